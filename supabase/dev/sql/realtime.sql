-- A stand-in for the `realtime` schema of a hosted project: the parts that our migrations and
-- functions use, with the same signatures. Idempotent; applied at each start, before the migrations.

create schema if not exists realtime;
grant usage on schema realtime to anon, authenticated, service_role;

create table if not exists realtime.messages (
  id uuid primary key default gen_random_uuid(),
  topic text not null,
  extension text not null,
  event text,
  payload jsonb,
  private boolean default false,
  inserted_at timestamp not null default now(),
  updated_at timestamp not null default now()
);
create index if not exists messages_replay on realtime.messages (topic, inserted_at desc);
alter table realtime.messages enable row level security;
grant select, insert on realtime.messages to anon, authenticated;
grant all on realtime.messages to service_role;

-- Hosted projects keep three days.
delete from realtime.messages where inserted_at < now() - interval '3 days';

create or replace function realtime.topic() returns text
language sql stable as $$
  select nullif(current_setting('realtime.topic', true), '')
$$;

-- As on hosted projects, a message that cannot be stored is a warning: the write it reports commits.
create or replace function realtime.send(
  payload jsonb, event text, topic text, private boolean default true
) returns void
language plpgsql as $$
declare
  message_id uuid := gen_random_uuid();
begin
  insert into realtime.messages (id, payload, event, topic, private, extension)
  values (message_id,
    case when send.payload ? 'id' then send.payload
      else jsonb_set(send.payload, '{id}', to_jsonb(message_id)) end,
    send.event, send.topic, send.private, 'broadcast');
exception when others then
  raise warning 'realtime.send: %', sqlerrm;
end $$;
grant execute on function realtime.topic(), realtime.send(jsonb, text, text, boolean)
  to anon, authenticated, service_role;

-- NOTIFY is what makes delivery follow commit order: PostgreSQL queues notifications as transactions
-- commit and drops them on rollback. Only the id travels, for payloads are limited to 8000 bytes.
create or replace function realtime.announce_message() returns trigger
language plpgsql as $$
begin
  perform pg_notify('realtime_messages', new.id::text);
  return null;
end $$;
create or replace trigger announce_message after insert on realtime.messages
  for each row execute function realtime.announce_message();
