-- The audit trail as it is delivered: in the order written, each event with its run as it was then.
alter table events add column seq bigint generated always as identity;
alter table events add column actor_type text not null default 'service';
-- Run, resource and commit as they were in the event's own transaction (E22).
alter table events add column context jsonb not null default '{}';
-- 'pending', 'delivered', or 'quarantined' with the sink's problem (E24).
alter table events add column delivery text not null default 'pending';
alter table events add column problem text;
create unique index events_in_order on events (seq);
create index events_by_run on events (run, seq) where run is not null;
create index events_pending on events (seq) where delivery = 'pending';
create index events_quarantined on events (seq) where delivery = 'quarantined';

-- One sender over all replicas, and when it may try again.
create table audit_sender (
  id integer primary key default 1 check (id = 1),
  holder text,
  token bigint not null default 0,
  expires_at timestamptz not null default '-infinity',
  failures integer not null default 0,
  problem text,
  not_before timestamptz not null default '-infinity'
);
insert into audit_sender default values;

-- Events of others, received over HTTP (E25).
create table received_events (
  event_id text primary key,
  received_at timestamptz not null default store_now(),
  sender text not null,
  event jsonb not null
);

-- What a step's log holds already, for its bound.
alter table steps add column log_size integer not null default 0;
