-- What the API's pages and look-ups find their rows by, also with tens of thousands of them.
create index resources_by_workload on resources (workload, repository, environment, uid);
-- The part of a uid that people type: `shop.db`.
create index resources_by_name on resources (substr(uid, position('#' in uid) + 1));
create index workloads_by_name on workloads (name, repository, environment);

-- Taken out of the content once: it is large, and a list would unpack it for every row.
alter table bundles
  add column provider text generated always as (content ->> 'provider') stored,
  add column version text generated always as (content ->> 'version') stored;
