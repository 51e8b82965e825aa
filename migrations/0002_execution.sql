-- What a step noted down to find again what it made; never a secret. What is known of its effect and failure.
alter table steps add column note jsonb;
alter table steps add column effect boolean not null default true;
alter table steps add column failure jsonb;

-- A lock is named by its target's digest, and is free, held by a run, or cooling until a moment (E2).
-- The completion is kept, and the cooldown it was given, so that a changed setting moves its end (E11).
alter table locks add column key text;
update locks set key = encode(sha256(convert_to(target, 'UTF8')), 'hex');
alter table locks drop constraint locks_pkey;
alter table locks add primary key (key);
alter table locks add column state text not null default 'free' check (state in ('free', 'held', 'cooling'));
alter table locks add column declared boolean not null default false;
alter table locks add column since timestamptz not null default store_now();
alter table locks add column last_run text;
alter table locks add column completed_at timestamptz;
alter table locks add column cooldown_ms bigint not null default 0;
-- The run that failed on it with effect, and is not safe to repeat.
alter table locks add column blocked_by text;
update locks set state = 'held' where run is not null;
create index locks_cooling on locks (until) where state = 'cooling';

alter table runs add column lock text;
update runs set lock = encode(sha256(convert_to(target, 'UTF8')), 'hex');
alter table runs alter column lock set not null;
alter table runs add column declared boolean not null default false;
alter table runs add column timeout_ms bigint;
alter table runs add column deadline_at timestamptz;
alter table runs add column cancelled_at timestamptz;
alter table runs add column cancelled_by text;
alter table runs add column cancel_reason text;
alter table runs add column effect boolean;
alter table runs add column failure jsonb;
-- Who is served next is asked per repository and provider, oldest first.
create index runs_lanes on runs (repository, provider, not_before, id) where state = 'queued';
create index runs_waiting on runs (not_before, id) where state = 'waiting';
create index runs_leases on runs (lease_expires_at) where state = 'running';
create index runs_by_lock on runs (lock) where state = 'queued';

-- Consecutive failures without effect, per target and operation (E13).
create table backoffs (
  lock text not null,
  operation text not null,
  repository text not null,
  environment text not null,
  uid text not null,
  hash text not null,
  failures integer not null,
  next_attempt_at timestamptz,
  primary key (lock, operation)
);
create index backoffs_due on backoffs (next_attempt_at);

-- As many as runs of a provider may be under way at once; who has a row locked decides alone.
create table provider_slots (
  provider text not null,
  slot integer not null,
  run text,
  primary key (provider, slot)
);
create index provider_slots_by_run on provider_slots (run) where run is not null;

create index resources_next_attempt on resources (next_attempt_at) where next_attempt_at is not null;
create index resources_delete_after on resources (delete_after)
  where delete_after is not null and phase <> 'deleted';
