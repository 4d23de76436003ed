-- Removal takes effect at once on the live channel, too. Realtime asks who may read a topic when it is joined and
-- when a new access token comes, and never in between; so the topic has a part that nobody can guess and that
-- changes whenever somebody stops being a member. Whoever was removed stays on a topic that falls silent; the
-- others hear there, as the last message, that the channel moved, and ask for the new one.

-- Not a column of public.teams: a membership can also end without the lock of the team's row (with the account, or
-- by the secret key), and whoever waited for that lock here while holding the member's row could deadlock.
create table private.team_channels (
  team_id uuid primary key references public.teams (id) on delete cascade,
  epoch uuid not null default gen_random_uuid()
);
revoke all on private.team_channels from public, anon, authenticated, service_role;
insert into private.team_channels (team_id) select t.id from public.teams t;

create function private.open_channel() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into private.team_channels (team_id) values (new.id);
  return null;
end $$;
create trigger open_channel after insert on public.teams
  for each row execute function private.open_channel();

-- For whoever announces: a removal that is under way is waited for, so that nothing said after it reaches who was
-- removed.
create function private.team_topic(team uuid) returns text
language sql volatile security definer set search_path = '' as $$
  select 'team:' || c.team_id || ':' || c.epoch from private.team_channels c
  where c.team_id = team_topic.team for share
$$;

-- What the policies on realtime.messages ask.
create or replace function private.my_team_topics() returns setof text
language sql stable security definer set search_path = '' as $$
  select 'team:' || c.team_id || ':' || c.epoch
  from public.team_members m join private.team_channels c on c.team_id = m.team_id
  where m.user_id = (select auth.uid())
$$;

-- Where the team's channel is now: for members.
create function public.team_channel(team uuid) returns text
language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.require_role(team_channel.team);
  return (select 'team:' || c.team_id || ':' || c.epoch from private.team_channels c
    where c.team_id = team_channel.team);
end $$;

-- However a membership ends. In the order of the teams, so that two accounts that end at once do not deadlock.
create function private.move_channels() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  left_behind private.team_channels;
begin
  for left_behind in
    select c.* from private.team_channels c where c.team_id in (select g.team_id from gone g)
    order by c.team_id for update
  loop
    update private.team_channels c set epoch = gen_random_uuid() where c.team_id = left_behind.team_id;
    perform realtime.send('{}', 'channel_moved', 'team:' || left_behind.team_id || ':' || left_behind.epoch, true);
  end loop;
  return null;
end $$;
create trigger move_channels after delete on public.team_members
  referencing old table as gone for each statement execute function private.move_channels();

-- Announcements go to the topic of the moment; nothing else changes in these two.
create or replace function public.push_artifacts(team uuid, changes jsonb) returns jsonb
language plpgsql volatile security definer set search_path = ''
-- A batch is a few megabytes: keep it out of temporary files.
set work_mem = '64MB' as $$
#variable_conflict use_variable
declare
  me uuid := (select auth.uid());
  my_role text;
  rules jsonb;
  pushed_at timestamptz;
  from_seq bigint;
  newest_seq bigint;
  applied bigint;
  shown bigint;
  answers jsonb[];
  turns bigint[];
  places bigint[];
  later record;
begin
  perform private.require_role(team); -- a stranger must not even wait for the lock
  if jsonb_typeof(changes) = 'array' is not true then
    raise exception 'changes must be an array' using errcode = '22023';
  end if;
  if jsonb_array_length(changes) > 1000 then
    raise exception 'at most 1000 changes in one push, not %', jsonb_array_length(changes)
      using errcode = '22023', hint = 'Push in smaller batches.';
  end if;

  select t.newest_seq into newest_seq from public.teams t where t.id = team for update;
  my_role := private.require_role(team); -- it may have changed while we waited
  rules := private.rules_of(team);
  perform set_config('agent.is_judged', 'yes', true); -- by push_round, for the trigger keep_lifecycle
  pushed_at := clock_timestamp();        -- so that time, too, never runs against seq
  from_seq := newest_seq + 1;

  select array_agg(r.answer order by r.ord), array_agg(r.turn order by r.ord), count(r.seq),
      coalesce(sum(r.shown), 0)
    into answers, turns, applied, shown
    from private.push_round(team, me, my_role, rules, newest_seq, pushed_at, 0, changes) r;
  newest_seq := newest_seq + applied;

  -- Rarely: several changes of one artifact, each to be judged against the one before.
  for this_turn in 2 .. coalesce((select max(t) from unnest(turns) t), 1) loop
    select array_agg(u.place order by u.place) into places
      from unnest(turns) with ordinality u (turn, place) where u.turn = this_turn;
    for later in
      select r.ord, r.seq, r.shown, r.answer
      from private.push_round(team, me, my_role, rules, newest_seq, pushed_at, shown,
        (select jsonb_agg(changes -> (p - 1)::int order by p) from unnest(places) p)) r
    loop
      answers[places[later.ord]] := later.answer;
      newest_seq := greatest(newest_seq, later.seq);
      shown := shown + coalesce(later.shown, 0);
    end loop;
  end loop;

  perform set_config('agent.is_judged', '', true);

  if newest_seq >= from_seq then
    update public.teams t set newest_seq = newest_seq where t.id = team;
    -- One message per push, however many changes: hosted projects count every delivery.
    perform realtime.send(
      jsonb_build_object('from_seq', from_seq, 'to_seq', newest_seq, 'changes', (
        select jsonb_agg(jsonb_build_object('kind', c.kind, 'id', c.id, 'version', c.version,
          'author', c.author, 'author_name', m.display_name, 'state', c.state) order by c.seq)
        from (select * from public.artifacts a where a.team_id = team and a.seq >= from_seq
              order by a.seq limit 10) c
        left join public.team_members m on m.team_id = c.team_id and m.user_id = c.author)),
      'artifacts_changed', private.team_topic(team), true);
  end if;
  return jsonb_build_object('results', coalesce(to_jsonb(answers), '[]'),
    'from_seq', from_seq, 'newest_seq', newest_seq);
end $$;

-- Replaces a person by a pseudonym everywhere in the team and ends their membership. With 'remove' their texts
-- go as well: artifacts whose newest version is theirs are deleted, and their older versions are emptied.
create or replace function public.erase_author(team uuid, member uuid, texts text) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
declare
  refusal jsonb := private.not_about(erase_author.team, 'erase_author', erase_author.member);
  pseudonym uuid := ('00000000-0000-8000-8000-' || right(gen_random_uuid()::text, 12))::uuid;
  address text := (select lower(u.email) from auth.users u where u.id = erase_author.member);
  erased_at timestamptz := clock_timestamp();
  from_seq bigint;
  newest_seq bigint;
  n_deleted bigint := 0;
  n_texts bigint := 0;
  n_versions bigint;
  n_artifacts bigint;
  n_sessions bigint := 0;
begin
  if refusal is not null then
    return refusal;
  end if;
  if erase_author.member is null or coalesce(erase_author.texts, '') not in ('keep', 'remove') then
    return private.refuse(erase_author.team, 'erase_author', '22023', 'texts is keep or remove, and member is a user''s id');
  end if;
  if exists (select from public.team_members m where m.team_id = erase_author.team and m.user_id = erase_author.member)
    and not private.has_other_admin(erase_author.team, erase_author.member) then
    return private.last_admin(erase_author.team, 'erase_author', erase_author.member);
  end if;
  select t.newest_seq into newest_seq from public.teams t where t.id = erase_author.team; -- locked above
  from_seq := newest_seq + 1;
  perform private.record(erase_author.team, 'erase_author', 'done', erase_author.texts, 'author', pseudonym::text);
  perform set_config('agent.is_judged', 'yes', true), set_config('agent.is_erasing', 'yes', true);

  if erase_author.texts = 'remove' then
    with gone as (
      update public.artifacts a set version = a.version + 1, seq = n.seq, title = null, state = null, content = null,
        content_hash = null, author = pseudonym, change_id = gen_random_uuid(), updated_at = erased_at
      from (select c.kind, c.id, newest_seq + row_number() over (order by c.seq) as seq from public.artifacts c
            where c.team_id = erase_author.team and c.author = erase_author.member and c.content is not null) n
      where a.team_id = erase_author.team and a.kind = n.kind and a.id = n.id
      returning a.*)
    insert into public.artifact_history (team_id, kind, id, version, seq, path, title, state, content, content_hash,
      author, change_id, updated_at)
    select g.team_id, g.kind, g.id, g.version, g.seq, g.path, g.title, g.state, g.content, g.content_hash, g.author,
      g.change_id, g.updated_at from gone g;
    get diagnostics n_deleted = row_count;
    newest_seq := newest_seq + n_deleted;
    update public.artifact_history h set content = null, title = null, is_erased = true
      where h.team_id = erase_author.team and h.author = erase_author.member and h.content is not null;
    get diagnostics n_texts = row_count;
  end if;

  update public.artifact_history h set author = pseudonym
    where h.team_id = erase_author.team and h.author = erase_author.member;
  get diagnostics n_versions = row_count;
  update public.artifacts a set author = pseudonym, seq = n.seq
  from (select c.kind, c.id, newest_seq + row_number() over (order by c.seq) as seq from public.artifacts c
        where c.team_id = erase_author.team and c.author = erase_author.member) n
  where a.team_id = erase_author.team and a.kind = n.kind and a.id = n.id;
  get diagnostics n_artifacts = row_count;
  newest_seq := newest_seq + n_artifacts;
  update public.artifact_approvals a set approved_by = pseudonym
    where a.team_id = erase_author.team and a.approved_by = erase_author.member;
  update private.audit_log l set user_id = pseudonym, session = null, client = null
    where l.team_id = erase_author.team and l.user_id = erase_author.member;
  update private.audit_log l set id = pseudonym
    where l.team_id = erase_author.team and l.kind = 'member' and l.id = erase_author.member::text;
  delete from public.team_invitations i where i.team_id = erase_author.team and i.email = address;
  update public.team_invitations i set invited_by = pseudonym
    where i.team_id = erase_author.team and i.invited_by = erase_author.member;
  delete from public.team_members m where m.team_id = erase_author.team and m.user_id = erase_author.member;
  perform set_config('agent.is_judged', '', true), set_config('agent.is_erasing', '', true);
  update public.teams t set newest_seq = greatest(t.newest_seq, from_seq - 1 + n_deleted + n_artifacts)
    where t.id = erase_author.team;

  -- The account is not this team's: its sessions end with its last team.
  if not exists (select from public.team_members m where m.user_id = erase_author.member) then
    begin
      delete from auth.sessions s where s.user_id = erase_author.member;
      get diagnostics n_sessions = row_count;
    exception when insufficient_privilege then
      n_sessions := null; -- the project's Auth does not let us
    end;
  end if;
  begin
    -- Announcements name their author, for three days.
    delete from realtime.messages r where r.topic like 'team:' || erase_author.team || '%'
      and r.payload::text like '%' || erase_author.member || '%';
  exception when insufficient_privilege then null;
  end;
  if newest_seq >= from_seq then
    perform realtime.send(jsonb_build_object('from_seq', from_seq, 'to_seq', newest_seq, 'changes', '[]'::jsonb),
      'artifacts_changed', private.team_topic(erase_author.team), true);
  end if;
  return jsonb_build_object('pseudonym', pseudonym, 'name', private.erased_name(pseudonym), 'versions', n_versions,
    'artifacts', n_deleted + n_artifacts, 'deleted', n_deleted, 'removed_texts', n_texts, 'sessions', n_sessions,
    'newest_seq', newest_seq);
end $$;

-- The channel has another name: a program that does not ask for it hears nothing.
create or replace function public.schema_version() returns int
language sql immutable parallel safe set search_path = '' as $$
  select 2
$$;

revoke execute on function private.open_channel(), private.team_topic(uuid), private.move_channels(),
  public.team_channel(uuid) from public, anon;
grant execute on function public.team_channel(uuid) to authenticated;
