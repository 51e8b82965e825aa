-- A session that a browser's cookie shows ends when it is not used for a while; Bearer tokens do not.
alter table api_sessions add column seen_at timestamptz not null default store_now();
-- Whom an administrator's session acts as; null: its own user.
alter table api_sessions add column acts_as text;
