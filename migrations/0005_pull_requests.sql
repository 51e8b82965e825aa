-- Pull requests as the forge told of them last, and the one comment that we keep on each.
create table pull_requests (
  repository text not null references repositories (id),
  number integer not null,
  state text not null,
  title text not null,
  author text not null,
  base text not null,
  head text not null,
  head_branch text not null,
  fork boolean not null,
  merge_commit text,
  url text not null,
  -- By environment: what was planned last before it was merged, without secrets.
  plans jsonb not null default '{}',
  -- What undid it after it was merged.
  undone_by jsonb,
  -- Markdown: what the last command was answered.
  answer text,
  comment bigint,
  -- The comment as we published it last; gone where it has to be published again whatever it says.
  body text,
  -- What that was about: edits about the same thing are some seconds apart.
  stage text not null default '',
  edited_at timestamptz,
  -- Nothing more will come of it by itself.
  settled boolean not null default false,
  primary key (repository, number)
);
create index pull_requests_unsettled on pull_requests (repository, number) where not settled;
create index pull_requests_merged on pull_requests (repository, merge_commit);

-- Commands that were answered: each comment counts once, whoever reads it how often.
create table pull_request_commands (
  repository text not null,
  comment bigint not null,
  number integer not null,
  outcome text not null,
  reaction text not null,
  reacted boolean not null default false,
  at timestamptz not null default store_now(),
  primary key (repository, comment)
);

-- Who is asking a repository's forge now, and how far the asking has come.
create table forge_polls (
  repository text primary key references repositories (id),
  holder text,
  lease_until timestamptz,
  -- By the forge's clock.
  comments_since timestamptz,
  -- By branch: the last commit that was looked at for the pull request that brought it.
  branches jsonb not null default '{}'
);
