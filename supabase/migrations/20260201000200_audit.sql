-- Who did what, and who tried to. In a schema that is no API: clients read it through audit_entries and
-- cannot write, change or delete anything in it.

create table private.audit_log (
  -- Rises, but entries of transactions that overlap may appear late.
  entry bigint generated always as identity,
  team_id uuid not null, -- not a foreign key: the log outlives the team
  at timestamptz not null,
  user_id uuid,          -- null: nobody signed in (the secret key, SQL)
  session text,          -- the session of the access token
  client text,           -- what the client says it is
  action text not null,
  outcome text not null,
  reason text,
  -- What it was done to: an artifact, or a member or an invitation and its id.
  kind text,
  id text,
  from_version bigint,
  to_version bigint,
  state_before text,
  state_after text,
  bytes_before bigint,
  bytes_after bigint,
  primary key (team_id, entry)
);
revoke all on private.audit_log from public, anon, authenticated, service_role;

-- Not even the owner changes it; erasing a person replaces their id and drops what else names them.
create function private.keep_audit() returns trigger
language plpgsql set search_path = '' as $$
begin
  if tg_op = 'UPDATE' and current_setting('agent.is_erasing', true) = 'yes' then
    if to_jsonb(new) - 'user_id' - 'session' - 'client' - 'id' = to_jsonb(old) - 'user_id' - 'session' - 'client' - 'id'
      and (new.id is not distinct from old.id or old.kind = 'member') then
      return new;
    end if;
  end if;
  raise exception 'the audit log is only ever added to' using errcode = '42501';
end $$;
create trigger keep_audit before update or delete on private.audit_log
  for each row execute function private.keep_audit();
create trigger keep_whole_audit before truncate on private.audit_log
  for each statement execute function private.keep_audit();

create function private.session_id() returns text
language sql stable set search_path = '' as $$
  select left((select auth.jwt()) ->> 'session_id', 100)
$$;

create function private.client_name() returns text
language plpgsql stable set search_path = '' as $$
declare
  headers jsonb := nullif(current_setting('request.headers', true), '');
begin
  return left(coalesce(headers ->> 'x-client-info', headers ->> 'user-agent'), 200);
exception when others then
  return null; -- headers that are no JSON
end $$;

create function private.record(
  team uuid, action text, outcome text, reason text default null, kind text default null, id text default null,
  state_before text default null, state_after text default null
) returns void
language sql volatile security definer set search_path = '' as $$
  insert into private.audit_log (team_id, at, user_id, session, client, action, outcome, reason, kind, id,
    state_before, state_after)
  values (record.team, clock_timestamp(), (select auth.uid()), private.session_id(), private.client_name(),
    record.action, record.outcome, record.reason, record.kind, record.id, record.state_before, record.state_after)
$$;

-- Answers as an error does, but commits: a refusal that is raised would leave no trace in the log.
-- The code is a SQLSTATE and gives the HTTP status that PostgREST gives it.
create function private.refuse(
  team uuid, action text, code text, message text, hint text default null,
  kind text default null, id text default null, state_before text default null, state_after text default null
) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform private.record(team, action, 'refused', code, kind, id, state_before, state_after);
  perform set_config('response.status', case
    when code = '42501' then '403' when code ~ '^PT[0-9]{3}$' then right(code, 3) else '400' end, true);
  return jsonb_build_object('code', code, 'message', message, 'details', null, 'hint', hint);
end $$;

-- Entries from the newest to the oldest: an admin's are the team's, everybody else's their own.
create function public.audit_entries(
  team uuid, since timestamptz default null, member uuid default null, before bigint default null,
  max_rows int default 200
) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
declare
  row_limit int := least(greatest(coalesce(max_rows, 200), 1), 1000);
  whose uuid := audit_entries.member;
  entries jsonb;
  n_matching bigint;
begin
  if private.require_role(audit_entries.team) <> 'admin' then
    if whose is distinct from (select auth.uid()) and whose is not null then
      raise exception 'only an admin of the team sees what others did' using errcode = '42501';
    end if;
    whose := (select auth.uid());
  end if;
  select jsonb_agg(to_jsonb(e) - 'team_id' - 'place' || jsonb_build_object('user_name', m.display_name)
      order by e.entry desc) filter (where e.place <= row_limit), count(*)
  into entries, n_matching
  from (
    select l.*, row_number() over (order by l.entry desc) as place from private.audit_log l
    where l.team_id = audit_entries.team and (whose is null or l.user_id = whose)
      and (audit_entries.since is null or l.at >= audit_entries.since)
      and (audit_entries.before is null or l.entry < audit_entries.before)
    order by l.entry desc limit row_limit + 1) e
  left join public.team_members m on m.team_id = e.team_id and m.user_id = e.user_id;
  return jsonb_build_object('entries', coalesce(entries, '[]'), 'more', n_matching > row_limit);
end $$;

-- Sets the states of a kind, or with null goes back to the default. `states` is a whole definition.
create function public.set_lifecycle(team uuid, kind text, states jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
declare
  problem text;
begin
  perform private.require_role(set_lifecycle.team); -- a stranger must not even wait for the lock
  perform from public.teams t where t.id = set_lifecycle.team for update;
  if private.require_role(set_lifecycle.team) <> 'admin' then
    return private.refuse(set_lifecycle.team, 'set_lifecycle', '42501',
      'only an admin of the team can change its lifecycles', null, 'lifecycle', left(set_lifecycle.kind, 200));
  end if;
  problem := case
    when set_lifecycle.kind ~ '^[a-z][a-z0-9_-]{0,31}$' is not true then 'kind must match ^[a-z][a-z0-9_-]{0,31}$'
    when coalesce(jsonb_typeof(set_lifecycle.states), 'null') <> 'null'
      then private.invalid_lifecycle(set_lifecycle.states) end;
  if problem is not null then
    return private.refuse(set_lifecycle.team, 'set_lifecycle', '22023', problem, null,
      'lifecycle', left(set_lifecycle.kind, 200));
  end if;
  delete from public.team_lifecycles l
    where l.team_id = set_lifecycle.team and l.kind = set_lifecycle.kind;
  if jsonb_typeof(set_lifecycle.states) = 'object' then
    insert into public.team_lifecycles (team_id, kind, definition)
    values (set_lifecycle.team, set_lifecycle.kind, set_lifecycle.states);
  end if;
  update public.teams t set lifecycle_version = t.lifecycle_version + 1 where t.id = set_lifecycle.team;
  perform private.record(set_lifecycle.team, 'set_lifecycle', 'done', null, 'lifecycle', set_lifecycle.kind);
  return public.team_lifecycle(set_lifecycle.team);
end $$;

revoke execute on function private.keep_audit(), private.session_id(), private.client_name(),
  private.record(uuid, text, text, text, text, text, text, text),
  private.refuse(uuid, text, text, text, text, text, text, text, text),
  public.audit_entries(uuid, timestamptz, uuid, bigint, int), public.set_lifecycle(uuid, text, jsonb)
  from public, anon;
grant execute on function public.audit_entries(uuid, timestamptz, uuid, bigint, int),
  public.set_lifecycle(uuid, text, jsonb) to authenticated;
