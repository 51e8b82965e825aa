-- What changed since a moment is asked for by the moment first: with the columns of the primary key in
-- front, a planner without statistics took this index to find one resource, and read all of them.
drop index resources_changed;
create index resources_changed on resources (changed_in, repository, environment);

-- How many runs of a provider are under way is counted in its slots.
drop index runs_running;

create index runs_by_commit on runs (commit);
