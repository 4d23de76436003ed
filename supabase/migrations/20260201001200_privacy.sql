-- One person's data: handed out as a whole, and erased. In both nobody's version changes, so that no queued
-- change of anybody turns into a conflict: a replica hears of a pseudonym because the row gets a new seq.

-- Whether the text was removed with its author. The hash stays, so that a change that is sent again is still
-- recognised and cannot bring the text back.
alter table public.artifact_history add column is_erased boolean not null default false;

-- An erased author has a random id of this form, and no name but this.
create function private.erased_name(author uuid) returns text
language sql immutable parallel safe as $$
  select case when author::text like '00000000-0000-8000-8000-%' then 'erased-' || right(author::text, 6) end
$$;
revoke execute on function private.erased_name(uuid) from public, anon;

create or replace function private.artifact_json(a public.artifacts, author_name text) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'kind', a.kind, 'id', a.id, 'version', a.version, 'seq', a.seq, 'path', a.path,
    'title', a.title, 'state', a.state, 'content', a.content, 'content_hash', a.content_hash,
    'author', a.author, 'author_name', coalesce(author_name, private.erased_name(a.author)),
    'change_id', a.change_id, 'updated_at', a.updated_at)
$$;

create or replace function public.artifact_versions(
  team uuid, kind text, id text, content_hash text default null,
  before_version bigint default null, max_rows int default 50, with_content boolean default false
) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
declare
  row_limit int := least(greatest(coalesce(artifact_versions.max_rows, 50), 1), 500);
  -- With their texts, versions come in pages of about this size, but always at least one.
  byte_limit constant int := 8000000;
  versions jsonb;
  n_matching bigint;
begin
  perform private.require_role(artifact_versions.team);
  with matching as (
    select h.* from public.artifact_history h
    where h.team_id = artifact_versions.team
      and h.kind = artifact_versions.kind and h.id = artifact_versions.id
      and (artifact_versions.content_hash is null
        or h.content_hash = artifact_versions.content_hash and not h.is_erased)
      and (artifact_versions.before_version is null
        or h.version < artifact_versions.before_version)
    order by h.version desc limit row_limit + 1
  ),
  measured as (
    select c.*, row_number() over newest_first as place,
      sum(coalesce(octet_length(c.content), 0)) over newest_first as bytes
    from matching c window newest_first as (order by c.version desc)
  )
  select
    jsonb_agg(jsonb_build_object(
        'version', c.version, 'seq', c.seq, 'path', c.path, 'title', c.title, 'state', c.state,
        'content_hash', case when not c.is_erased then c.content_hash end, 'author', c.author,
        'author_name', coalesce(m.display_name, private.erased_name(c.author)),
        'change_id', c.change_id, 'updated_at', c.updated_at, 'deleted', c.content is null)
      || case when c.is_erased then jsonb_build_object('is_erased', true) else '{}' end
      || case when artifact_versions.with_content then jsonb_build_object('content', c.content)
         else '{}' end
      order by c.version desc)
      filter (where c.place <= row_limit
        and (c.place = 1 or artifact_versions.with_content is not true or c.bytes <= byte_limit)),
    count(*)
  into versions, n_matching
  from measured c
  left join public.team_members m on m.team_id = c.team_id and m.user_id = c.author;
  return jsonb_build_object('versions', coalesce(versions, '[]'),
    'more', n_matching > coalesce(jsonb_array_length(versions), 0));
end $$;

-- Null for who may: an admin about anybody, everybody about themselves. Holds the team's lock.
create function private.not_about(team uuid, action text, member uuid) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
begin
  if private.lock_as_admin(team) is not null and member is distinct from (select auth.uid()) then
    return private.refuse(team, action, '42501', 'only an admin of the team can do this for others', null,
      'member', member::text);
  end if;
  return null;
end $$;

-- Everything the team has of one person.
create function public.export_author(team uuid, member uuid) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
declare
  refusal jsonb := private.not_about(export_author.team, 'export_author', export_author.member);
begin
  if refusal is not null then
    return refusal;
  end if;
  perform private.record(export_author.team, 'export_author', 'done', null, 'member', export_author.member::text);
  return jsonb_build_object(
    'team', export_author.team, 'member', export_author.member, 'exported_at', clock_timestamp(),
    'membership', (select to_jsonb(m) - 'team_id' from public.team_members m
      where m.team_id = export_author.team and m.user_id = export_author.member),
    'account', (select jsonb_build_object('email', u.email, 'created_at', u.created_at)
      from auth.users u where u.id = export_author.member
        and exists (select from public.team_members m where m.team_id = export_author.team and m.user_id = u.id)),
    'versions', (select coalesce(jsonb_agg(to_jsonb(h) - 'team_id' order by h.seq), '[]')
      from public.artifact_history h
      where h.team_id = export_author.team and h.author = export_author.member),
    'approvals', (select coalesce(jsonb_agg(to_jsonb(a) - 'team_id' order by a.approved_at), '[]')
      from public.artifact_approvals a
      where a.team_id = export_author.team and a.approved_by = export_author.member),
    'invitations', (select coalesce(jsonb_agg(to_jsonb(i) - 'team_id' order by i.invited_at), '[]')
      from public.team_invitations i where i.team_id = export_author.team
        and (i.invited_by = export_author.member
          or i.email = (select lower(u.email) from auth.users u where u.id = export_author.member))),
    'audit', (select coalesce(jsonb_agg(to_jsonb(l) - 'team_id' order by l.entry), '[]')
      from private.audit_log l where l.team_id = export_author.team
        and (l.user_id = export_author.member or l.kind = 'member' and l.id = export_author.member::text)));
end $$;

-- Replaces a person by a pseudonym everywhere in the team and ends their membership. With 'remove' their texts
-- go as well: artifacts whose newest version is theirs are deleted, and their older versions are emptied.
create function public.erase_author(team uuid, member uuid, texts text) returns jsonb
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
      'artifacts_changed', 'team:' || erase_author.team, true);
  end if;
  return jsonb_build_object('pseudonym', pseudonym, 'name', private.erased_name(pseudonym), 'versions', n_versions,
    'artifacts', n_deleted + n_artifacts, 'deleted', n_deleted, 'removed_texts', n_texts, 'sessions', n_sessions,
    'newest_seq', newest_seq);
end $$;

revoke execute on function private.not_about(uuid, text, uuid), public.export_author(uuid, uuid),
  public.erase_author(uuid, uuid, text) from public, anon;
grant execute on function public.export_author(uuid, uuid), public.erase_author(uuid, uuid, text) to authenticated;
