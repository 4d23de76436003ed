-- Creating a team, adding people to it, and removing them.
-- Argument names are the JSON keys of the RPCs, so some equal column names: use_column plus
-- function-qualified arguments keeps every mention unambiguous.

create function public.create_team(name text) returns uuid
language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
declare
  me uuid := (select auth.uid());
  new_team uuid;
begin
  if me is null then
    raise exception 'sign in to create a team' using errcode = '42501';
  end if;
  if char_length(btrim(create_team.name)) between 1 and 200 is not true then
    raise exception 'a team name has 1 to 200 characters' using errcode = '22023';
  end if;
  insert into public.teams (name) values (btrim(create_team.name)) returning id into new_team;
  insert into public.team_members (team_id, user_id, role, display_name)
    select new_team, u.id, 'admin', coalesce(u.email, u.id::text) from auth.users u where u.id = me;
  if not found then
    raise exception 'the signed-in user no longer exists' using errcode = '42501';
  end if;
  return new_team;
end $$;

create function public.add_team_member(team uuid, email text, role text) returns uuid
language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
declare
  new_member uuid;
begin
  perform private.require_admin(add_team_member.team); -- a stranger must not even wait for the lock
  if add_team_member.role in ('viewer', 'editor', 'approver', 'admin') is not true then
    raise exception 'unknown role %', coalesce(add_team_member.role, 'null')
      using errcode = '22023', hint = 'Use viewer, editor, approver or admin.';
  end if;
  select u.id into new_member from auth.users u
    where lower(u.email) = lower(btrim(add_team_member.email));
  if new_member is null then
    raise exception 'nobody has signed up as %', coalesce(add_team_member.email, 'null')
      using errcode = 'PT404', hint = 'They need to sign up first; then add them again.';
  end if;
  -- The team's row lock makes "is there another admin?" a question with one answer.
  perform from public.teams t where t.id = add_team_member.team for update;
  perform private.require_admin(add_team_member.team); -- it may have changed while we waited
  if add_team_member.role <> 'admin' and not exists (
    select from public.team_members m
    where m.team_id = add_team_member.team and m.role = 'admin' and m.user_id <> new_member) then
    raise exception 'a team needs at least one admin'
      using errcode = 'PT409', hint = 'Make somebody else an admin first.';
  end if;
  insert into public.team_members as m (team_id, user_id, role, display_name)
    select add_team_member.team, u.id, add_team_member.role, u.email
    from auth.users u where u.id = new_member
    on conflict (team_id, user_id) do update set role = excluded.role;
  return new_member;
end $$;

-- Whether there was such a member, so that doing it twice is harmless.
create function public.remove_team_member(team uuid, member uuid) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform private.require_role(remove_team_member.team); -- a stranger must not even wait for the lock
  perform from public.teams t where t.id = remove_team_member.team for update;
  if remove_team_member.member is distinct from (select auth.uid()) then -- anybody may leave
    perform private.require_admin(remove_team_member.team);
  end if;
  if not exists (
    select from public.team_members m where m.team_id = remove_team_member.team
      and m.role = 'admin' and m.user_id is distinct from remove_team_member.member) then
    raise exception 'a team needs at least one admin'
      using errcode = 'PT409', hint = 'Make somebody else an admin first.';
  end if;
  delete from public.team_members m
    where m.team_id = remove_team_member.team and m.user_id = remove_team_member.member;
  return found;
end $$;

revoke execute on function public.create_team(text), public.add_team_member(uuid, text, text),
  public.remove_team_member(uuid, uuid) from public, anon;
grant execute on function public.create_team(text), public.add_team_member(uuid, text, text),
  public.remove_team_member(uuid, uuid) to authenticated;
