-- Webhook deliveries that were taken, so that each is acted upon once over all replicas.
create table webhook_deliveries (
  forge text not null,
  id text not null,
  -- Of the body: a delivery's id is in no signature, so what was taken may come again under another.
  digest text not null,
  received_at timestamptz not null default store_now(),
  primary key (forge, id),
  unique (forge, digest)
);
create index webhook_deliveries_by_age on webhook_deliveries (received_at);
