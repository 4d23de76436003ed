-- Invitations, which need the consent of who is invited; roles; leaving. Every refusal of a member is in the
-- audit log, so these functions answer with the error instead of raising it. Strangers leave no trace.

-- Nobody is made a member without their consent any more; no role may call this one.
revoke execute on function public.add_team_member(uuid, text, text) from authenticated, service_role;
drop function public.remove_team_member(uuid, uuid);

create table public.team_invitations (
  id uuid primary key default gen_random_uuid(),
  team_id uuid not null references public.teams (id) on delete cascade,
  email text not null check (email = lower(email)),
  role text not null check (role in ('viewer', 'editor', 'approver', 'admin')),
  invited_by uuid not null,
  invited_at timestamptz not null default now(),
  unique (team_id, email)
);
create index team_invitations_email on public.team_invitations (email);
alter table public.team_invitations enable row level security;
revoke all on public.team_invitations from anon, authenticated;
grant select on public.team_invitations to authenticated;
grant all on public.team_invitations to service_role;

create function private.my_admin_team_ids() returns setof uuid
language sql stable security definer set search_path = '' as $$
  select m.team_id from public.team_members m where m.user_id = (select auth.uid()) and m.role = 'admin'
$$;
revoke execute on function private.my_admin_team_ids() from public, anon;
grant execute on function private.my_admin_team_ids() to authenticated;
create policy "admins read their invitations" on public.team_invitations
  for select to authenticated using (team_id in (select private.my_admin_team_ids()));

-- The caller's address, if they have shown that it is theirs.
create function private.my_email() returns text
language sql stable security definer set search_path = '' as $$
  select lower(u.email) from auth.users u
  where u.id = (select auth.uid()) and u.email_confirmed_at is not null
$$;

-- Takes the team's lock and says what the caller is then. Null: a member who is no admin.
create function private.lock_as_admin(team uuid) returns text
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform private.require_role(lock_as_admin.team); -- a stranger must not even wait for the lock
  perform from public.teams t where t.id = lock_as_admin.team for update;
  return nullif(private.require_role(lock_as_admin.team), 'admin'); -- it may have changed while we waited
end $$;

create function private.not_an_admin(team uuid, action text, kind text, id text) returns jsonb
language sql volatile security definer set search_path = '' as $$
  select private.refuse(team, action, '42501', 'only an admin of the team can change its members', null, kind, id)
$$;

-- Whether somebody else is an admin. The caller holds the team's lock, so that this has one answer.
create function private.has_other_admin(team uuid, member uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.team_members m
    where m.team_id = team and m.role = 'admin' and m.user_id is distinct from member)
$$;

create function private.last_admin(team uuid, action text, member uuid) returns jsonb
language sql volatile security definer set search_path = '' as $$
  select private.refuse(team, action, 'PT409', 'a team needs at least one admin',
    'Make somebody else an admin first.', 'member', member::text)
$$;

-- Invites whoever has this address, now or later. The answer tells nothing about accounts. Inviting again
-- changes the role that is offered.
create function public.invite_member(team uuid, email text, role text) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
declare
  address text := lower(btrim(invite_member.email));
  invitation uuid;
begin
  if private.lock_as_admin(invite_member.team) is not null then
    return private.not_an_admin(invite_member.team, 'invite', 'invitation', null);
  end if;
  if private.rank(invite_member.role) is null then
    return private.refuse(invite_member.team, 'invite', '22023',
      'unknown role ' || coalesce(left(invite_member.role, 50), 'null'), 'Use viewer, editor, approver or admin.');
  end if;
  if (address ~ '^[^@[:space:]]+@[^@[:space:]]+$' and char_length(address) <= 320) is not true then
    return private.refuse(invite_member.team, 'invite', '22023', 'that is not an email address');
  end if;
  insert into public.team_invitations as i (team_id, email, role, invited_by)
  values (invite_member.team, address, invite_member.role, (select auth.uid()))
  on conflict (team_id, email) do update set role = excluded.role, invited_by = excluded.invited_by, invited_at = now()
  returning i.id into invitation;
  perform private.record(invite_member.team, 'invite', 'done', null, 'invitation', invitation::text, null,
    invite_member.role);
  return jsonb_build_object('invitation', invitation, 'email', address, 'role', invite_member.role);
end $$;

create function public.my_invitations() returns jsonb
language sql stable security definer set search_path = '' as $$
  select coalesce(jsonb_agg(jsonb_build_object('invitation', i.id, 'team', i.team_id, 'team_name', t.name,
    'role', i.role, 'invited_at', i.invited_at) order by i.invited_at, i.id), '[]')
  from public.team_invitations i join public.teams t on t.id = i.team_id
  where i.email = (select private.my_email())
$$;

-- One answer for "no such invitation" and "not for you".
create function private.no_invitation() returns void
language plpgsql as $$
begin
  raise exception 'there is no such invitation for you' using errcode = 'PT404',
    hint = 'It may have been taken back, or it is for another address.';
end $$;

create function public.accept_invitation(invitation uuid) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
declare
  me uuid := (select auth.uid());
  offered public.team_invitations;
  was text;
begin
  select i.* into offered from public.team_invitations i
    where i.id = accept_invitation.invitation and i.email = private.my_email();
  if offered.id is null then
    perform private.no_invitation();
  end if;
  perform from public.teams t where t.id = offered.team_id for update;
  delete from public.team_invitations i where i.id = offered.id and i.email = offered.email returning i.* into offered;
  if not found then
    perform private.no_invitation(); -- taken back while we waited
  end if;
  select m.role into was from public.team_members m where m.team_id = offered.team_id and m.user_id = me;
  insert into public.team_members (team_id, user_id, role, display_name)
    select offered.team_id, u.id, offered.role, coalesce(u.email, u.id::text) from auth.users u where u.id = me
    -- Who is a member already keeps what they may.
    on conflict (team_id, user_id) do nothing;
  perform private.record(offered.team_id, 'accept_invitation', 'done', null, 'member', me::text, was,
    coalesce(was, offered.role));
  return jsonb_build_object('team', offered.team_id, 'role', coalesce(was, offered.role),
    'name', (select t.name from public.teams t where t.id = offered.team_id));
end $$;

create function public.decline_invitation(invitation uuid) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
declare
  declined public.team_invitations;
begin
  delete from public.team_invitations i
    where i.id = decline_invitation.invitation and i.email = private.my_email() returning i.* into declined;
  if not found then
    perform private.no_invitation();
  end if;
  perform private.record(declined.team_id, 'decline_invitation', 'done', null, 'invitation', declined.id::text);
  return true;
end $$;

-- Whether there was such an invitation, so that doing it twice is harmless.
create function public.revoke_invitation(invitation uuid) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
declare
  team uuid;
begin
  select i.team_id into team from public.team_invitations i where i.id = revoke_invitation.invitation;
  if team is null or private.my_role(team) is null then
    return to_jsonb(false);
  end if;
  if private.lock_as_admin(team) is not null then
    return private.not_an_admin(team, 'revoke_invitation', 'invitation', revoke_invitation.invitation::text);
  end if;
  delete from public.team_invitations i where i.id = revoke_invitation.invitation;
  if found then
    perform private.record(team, 'revoke_invitation', 'done', null, 'invitation', revoke_invitation.invitation::text);
    return to_jsonb(true);
  end if;
  return to_jsonb(false);
end $$;

create function public.set_member_role(team uuid, member uuid, role text) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
declare
  was text;
begin
  if private.lock_as_admin(set_member_role.team) is not null then
    return private.not_an_admin(set_member_role.team, 'set_role', 'member', set_member_role.member::text);
  end if;
  if private.rank(set_member_role.role) is null then
    return private.refuse(set_member_role.team, 'set_role', '22023',
      'unknown role ' || coalesce(left(set_member_role.role, 50), 'null'), 'Use viewer, editor, approver or admin.');
  end if;
  select m.role into was from public.team_members m
    where m.team_id = set_member_role.team and m.user_id = set_member_role.member;
  if was is null then
    return private.refuse(set_member_role.team, 'set_role', 'PT404', 'there is no such member of the team',
      'Invite them first.', 'member', set_member_role.member::text);
  end if;
  if set_member_role.role <> 'admin' and not private.has_other_admin(set_member_role.team, set_member_role.member) then
    return private.last_admin(set_member_role.team, 'set_role', set_member_role.member);
  end if;
  update public.team_members m set role = set_member_role.role
    where m.team_id = set_member_role.team and m.user_id = set_member_role.member;
  perform private.record(set_member_role.team, 'set_role', 'done', null, 'member', set_member_role.member::text,
    was, set_member_role.role);
  return jsonb_build_object('member', set_member_role.member, 'role', set_member_role.role, 'was', was);
end $$;

-- Whether there was such a member, so that doing it twice is harmless.
create function public.remove_team_member(team uuid, member uuid) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
declare
  was text;
begin
  if private.lock_as_admin(remove_team_member.team) is not null
    and remove_team_member.member is distinct from (select auth.uid()) then -- anybody may leave
    return private.not_an_admin(remove_team_member.team, 'remove_member', 'member', remove_team_member.member::text);
  end if;
  select m.role into was from public.team_members m
    where m.team_id = remove_team_member.team and m.user_id = remove_team_member.member;
  if was is null then
    return to_jsonb(false);
  end if;
  if not private.has_other_admin(remove_team_member.team, remove_team_member.member) then
    return private.last_admin(remove_team_member.team, 'remove_member', remove_team_member.member);
  end if;
  delete from public.team_members m
    where m.team_id = remove_team_member.team and m.user_id = remove_team_member.member;
  perform private.record(remove_team_member.team, 'remove_member', 'done', null, 'member',
    remove_team_member.member::text, was);
  return to_jsonb(true);
end $$;

create function public.leave_team(team uuid) returns jsonb
language sql volatile security definer set search_path = '' as $$
  select public.remove_team_member(team, (select auth.uid()))
$$;

-- Creating a team is the first entry of its log.
create or replace function public.create_team(name text) returns uuid
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
  perform private.record(new_team, 'create_team', 'done', null, 'member', me::text, null, 'admin');
  return new_team;
end $$;

revoke execute on function private.my_email(), private.lock_as_admin(uuid), private.not_an_admin(uuid, text, text, text),
  private.has_other_admin(uuid, uuid), private.last_admin(uuid, text, uuid), private.no_invitation(),
  public.invite_member(uuid, text, text), public.my_invitations(), public.accept_invitation(uuid),
  public.decline_invitation(uuid), public.revoke_invitation(uuid), public.set_member_role(uuid, uuid, text),
  public.remove_team_member(uuid, uuid), public.leave_team(uuid) from public, anon;
grant execute on function public.invite_member(uuid, text, text), public.my_invitations(),
  public.accept_invitation(uuid), public.decline_invitation(uuid), public.revoke_invitation(uuid),
  public.set_member_role(uuid, uuid, text), public.remove_team_member(uuid, uuid), public.leave_team(uuid)
  to authenticated;
