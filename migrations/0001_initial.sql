-- Everything that must survive: what we made, for whom, by which run, and why.
-- One clock for leases, grace and backoff: the database's. Tests replace this function.
create function store_now() returns timestamptz language sql volatile as 'select clock_timestamp()';

create table repositories (
  id text primary key,
  url text not null,
  created_at timestamptz not null default store_now()
);

-- One row per watched branch. `applied_commit` is the last commit whose tree was read whole and
-- taken as what is wanted; `base_commit` is what was applied before it, and what plan hashes start from.
create table environments (
  repository text not null references repositories (id),
  environment text not null,
  branch text not null,
  applied_commit text,
  base_commit text,
  observed_commit text,
  observed_at timestamptz,
  plan_hash text,
  settings jsonb,
  problems jsonb not null default '[]',
  reason text not null default 'Pending',
  message text not null default '',
  primary key (repository, environment)
);

-- When a commit was first seen, and what was planned for it: for people, and for commit-to-ready times.
create table revisions (
  repository text not null,
  environment text not null,
  commit text not null,
  author text not null,
  subject text not null,
  committed_at timestamptz not null,
  seen_at timestamptz not null default store_now(),
  plan jsonb,
  primary key (repository, environment, commit)
);

create table workloads (
  repository text not null,
  environment text not null,
  identity text not null,
  name text not null,
  file text not null,
  commit text not null,
  conditions jsonb not null default '[]',
  primary key (repository, environment, identity)
);

-- Content-addressed, so never updated: everything needed to operate a resource without git (law 2).
create table bundles (
  hash text primary key,
  content jsonb not null,
  created_at timestamptz not null default store_now()
);

create table resources (
  repository text not null,
  environment text not null,
  uid text not null,
  workload text not null,
  identity text not null,
  name text not null,
  type text not null,
  class text not null,
  phase text not null,
  gate jsonb,
  touched boolean not null default false,
  params jsonb not null,
  template jsonb not null,
  depends_on jsonb not null default '[]',
  bundle text not null references bundles (hash),
  outputs jsonb not null default '{}',
  secret_refs jsonb not null default '{}',
  revision integer not null default 0,
  wanted boolean not null default true,
  removal jsonb,
  delete_after timestamptz,
  protected boolean not null default false,
  commit text not null,
  place jsonb not null,
  since timestamptz not null default store_now(),
  reason text not null default '',
  message text not null default '',
  attempted jsonb,
  operation text,
  failures integer not null default 0,
  next_attempt_at timestamptz,
  stalled boolean not null default false,
  run text,
  created_at timestamptz not null default store_now(),
  deleted_at timestamptz,
  -- The transaction that wrote the row last: readers ask for what is newer than their snapshot.
  changed_in xid8 not null default pg_current_xact_id(),
  primary key (repository, environment, uid)
);
create index resources_changed on resources (repository, environment, changed_in);

create table runs (
  id text primary key,
  repository text not null,
  environment text not null,
  uid text not null,
  operation text not null,
  workflow text not null,
  provider text not null,
  bundle text not null references bundles (hash),
  commit text not null,
  plan text not null,
  -- Operation, params and bundle: what tells one wish from another.
  hash text not null,
  desired jsonb not null,
  depends_on jsonb not null default '[]',
  target text not null,
  state text not null default 'queued',
  reason text not null default '',
  message text not null default '',
  attempt integer not null default 0,
  cancel text,
  holder text,
  token bigint,
  lease_expires_at timestamptz,
  not_before timestamptz not null default store_now(),
  queued_at timestamptz not null default store_now(),
  started_at timestamptz,
  ended_at timestamptz
);
-- Behind a busy target waits one run per resource (E7).
create unique index runs_queued on runs (repository, environment, uid) where state = 'queued';
create index runs_open on runs (not_before, id) where state in ('queued', 'running', 'waiting');
create index runs_running on runs (provider) where state = 'running';
create index runs_by_resource on runs (repository, environment, uid, id);
create index runs_ended on runs (repository, environment, ended_at) where operation = 'delete';

create table steps (
  run text not null references runs (id) on delete cascade,
  index integer not null,
  name text not null,
  type text not null,
  state text not null,
  attempts integer not null default 0,
  started_at timestamptz not null default store_now(),
  ended_at timestamptz,
  -- Outputs, encrypted whole: a script may print anything.
  sealed bytea,
  output_names jsonb not null default '[]',
  error text,
  primary key (run, name)
);

create table step_logs (
  id bigint generated always as identity primary key,
  run text not null references runs (id) on delete cascade,
  step text not null,
  at timestamptz not null default store_now(),
  text text not null
);
create index step_logs_by_run on step_logs (run, id);

-- What keeps two runs off one target. The token grows with every claim and is never reset (E4).
create table locks (
  target text primary key,
  run text,
  token bigint not null default 0,
  until timestamptz
);

create table events (
  id text primary key,
  at timestamptz not null default store_now(),
  repository text not null,
  environment text not null,
  type text not null,
  actor text not null,
  uid text,
  run text,
  commit text,
  correlation text,
  data jsonb not null default '{}'
);
create index events_by_resource on events (repository, environment, uid, id);

create table secrets (
  repository text not null,
  environment text not null,
  uid text not null,
  key text not null,
  version integer not null,
  sealed bytea not null,
  created_at timestamptz not null default store_now(),
  primary key (repository, environment, uid, key)
);

-- Values that steps made once and must find again, sealed: a generated password, say.
create table step_memory (
  key text primary key,
  sealed bytea not null,
  created_at timestamptz not null default store_now()
);

create table approvals (
  repository text not null,
  environment text not null,
  plan text not null,
  approver text not null,
  reason text not null default '',
  at timestamptz not null default store_now(),
  primary key (repository, environment, plan)
);

-- Hash of what was last published where (law 9).
create table publications (
  repository text not null,
  target text not null,
  hash text not null,
  commit text not null,
  at timestamptz not null default store_now(),
  primary key (repository, target)
);
