-- Who may use the HTTP API. No password and no token is in here, only what proves that one is right.
create table api_users (
  username text primary key,
  role text,
  teams jsonb not null default '{}',
  password_hash text not null,
  created_at timestamptz not null default store_now()
);

create table api_sessions (
  token_hash text primary key,
  username text not null,
  created_at timestamptz not null default store_now(),
  expires_at timestamptz not null
);
create index api_sessions_expiry on api_sessions (expires_at);

create table api_keys (
  key_hash text primary key,
  username text not null,
  name text not null,
  -- The first characters, for people to tell one from another.
  hint text not null,
  scopes jsonb not null,
  created_at timestamptz not null default store_now(),
  expires_at timestamptz not null,
  last_used_at timestamptz,
  unique (username, name)
);

-- Attempts to log in within the current window, by address and by user; every replica counts here.
create table api_login_attempts (
  subject text primary key,
  attempts integer not null,
  since timestamptz not null default store_now()
);

-- What URLs and scripts name a resource by: a uid holds characters that both stumble over.
alter table resources add column id text not null default gen_random_uuid()::text;
create unique index resources_id on resources (id);
