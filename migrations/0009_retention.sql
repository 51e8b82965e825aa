-- What may go after a while: what the sink has taken, and what others sent.
create index events_delivered on events (at) where delivery = 'delivered';
create index received_events_by_age on received_events (received_at);
