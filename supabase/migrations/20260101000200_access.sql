-- Who may see what. Nothing is writable here: see the functions in the next migrations.

create schema private;
grant usage on schema private to authenticated;

-- Security definer, so that the policy on team_members can ask about team_members without
-- recursing into itself; in an unexposed schema, so that it is not an RPC.
create function private.my_team_ids() returns setof uuid
language sql stable security definer set search_path = '' as $$
  select m.team_id from public.team_members m where m.user_id = (select auth.uid())
$$;

-- The caller's role in a team; null for a stranger and for a team that does not exist.
create function private.my_role(team uuid) returns text
language sql stable security definer set search_path = '' as $$
  select m.role from public.team_members m
  where m.team_id = my_role.team and m.user_id = (select auth.uid())
$$;

-- One answer for "no such team" and "not your team", so that team ids cannot be probed.
create function private.require_role(team uuid) returns text
language plpgsql stable security definer set search_path = '' as $$
declare
  my_role text := private.my_role(team);
begin
  if my_role is null then
    raise exception 'you are not a member of this team, or it does not exist'
      using errcode = '42501', hint = 'Ask an admin of the team to add you.';
  end if;
  return my_role;
end $$;

create function private.require_admin(team uuid) returns void
language plpgsql stable security definer set search_path = '' as $$
begin
  if private.require_role(team) <> 'admin' then
    raise exception 'only an admin of the team can change its members' using errcode = '42501';
  end if;
end $$;

revoke execute on all functions in schema private from public, anon;
grant execute on function private.my_team_ids() to authenticated;

alter table public.teams enable row level security;
alter table public.team_members enable row level security;
alter table public.artifacts enable row level security;
alter table public.artifact_history enable row level security;

revoke all on public.teams, public.team_members, public.artifacts, public.artifact_history
  from anon, authenticated;
grant select on public.teams, public.team_members, public.artifacts, public.artifact_history
  to authenticated;
grant all on public.teams, public.team_members, public.artifacts, public.artifact_history
  to service_role;

create policy "members see their teams" on public.teams
  for select to authenticated using (id in (select private.my_team_ids()));
create policy "members see each other" on public.team_members
  for select to authenticated using (team_id in (select private.my_team_ids()));
create policy "members read artifacts" on public.artifacts
  for select to authenticated using (team_id in (select private.my_team_ids()));
create policy "members read history" on public.artifact_history
  for select to authenticated using (team_id in (select private.my_team_ids()));

-- The private channel 'team:<uuid>': members receive broadcasts and presence on it. They send presence
-- alone, so that whatever is broadcast there comes from the functions.
create function private.my_team_topics() returns setof text
language sql stable security definer set search_path = '' as $$
  select 'team:' || m.team_id from public.team_members m where m.user_id = (select auth.uid())
$$;
revoke execute on function private.my_team_topics() from public, anon;
grant execute on function private.my_team_topics() to authenticated;

-- A project without Realtime has no such table; row level security is already on where it exists.
do $$
begin
  if to_regclass('realtime.messages') is null then
    raise notice 'no realtime.messages here: channel policies skipped';
    return;
  end if;
  create policy "team members receive" on realtime.messages
    for select to authenticated using (
      realtime.messages.extension in ('broadcast', 'presence')
      and (select realtime.topic()) in (select private.my_team_topics()));
  create policy "team members are present" on realtime.messages
    for insert to authenticated with check (
      realtime.messages.extension = 'presence'
      and (select realtime.topic()) in (select private.my_team_topics()));
end $$;
