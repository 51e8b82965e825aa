-- What a resource's steps made in its environment's cluster, recorded before it is made: a deletion
-- needs neither the manifest nor the spec (law 2).
create table kubernetes_objects (
  repository text not null,
  environment text not null,
  uid text not null,
  cluster text not null,
  api_group text not null,
  kind text not null,
  -- Empty for what has none.
  namespace text not null,
  name text not null,
  api_version text not null,
  keeper text not null,
  -- Kubernetes' own; null: about to be made, and maybe there.
  object_uid text,
  position bigint generated always as identity,
  primary key (repository, environment, uid, cluster, api_group, kind, namespace, name)
);

-- The Secret in the workload's namespace that holds a resource's outputs: `k8s://namespace/name`.
alter table resources add column credentials_secret text;
