-- Replicas hear of every erasure, also those that know the person from older versions only: each takes a seq of its
-- own, and pulls hand it out with what tells a replica whom it is about, if the replica knows them.

-- Nobody can be read out of a mark. Whoever has a user's id already can find out that it is theirs, which is what
-- a replica does with the ids in its history; another erasure's mark of the same person is another one.
create table private.erasures (
  team_id uuid not null references public.teams (id) on delete cascade,
  seq bigint not null,
  pseudonym uuid not null,
  mark text not null,
  primary key (team_id, seq)
);
alter table private.erasures enable row level security;
revoke all on private.erasures from public, anon, authenticated, service_role;

create function private.erasure_mark(pseudonym uuid, member uuid) returns text
language sql immutable parallel safe set search_path = '' as $$
  select encode(sha256(convert_to(pseudonym::text || '/' || member::text, 'UTF8')), 'hex')
$$;

create or replace function public.schema_version() returns int
language sql immutable parallel safe set search_path = '' as $$
  select 4
$$;

-- A program that does not read erasures would pass them by, and keep the names for good.
create or replace function private.oldest_client() returns int
language sql immutable parallel safe set search_path = '' as $$
  select 4
$$;

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
  -- Before the artifacts that come again: a replica that knows the pseudonym finds nothing new in them.
  newest_seq := from_seq;
  insert into private.erasures (team_id, seq, pseudonym, mark) values (erase_author.team, newest_seq, pseudonym,
    private.erasure_mark(pseudonym, erase_author.member));

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
  update public.teams t set newest_seq = from_seq + n_deleted + n_artifacts where t.id = erase_author.team;

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
  perform realtime.send(jsonb_build_object('from_seq', from_seq, 'to_seq', newest_seq, 'changes', '[]'::jsonb),
    'artifacts_changed', private.team_topic(erase_author.team), true);
  return jsonb_build_object('pseudonym', pseudonym, 'name', private.erased_name(pseudonym), 'versions', n_versions,
    'artifacts', n_deleted + n_artifacts, 'deleted', n_deleted, 'removed_texts', n_texts, 'sessions', n_sessions,
    'newest_seq', newest_seq);
end $$;

-- STABLE: every statement in it sees the same snapshot, so `rows`, `erasures` and `newest_seq` agree.
create or replace function public.pull_artifacts(
  team uuid, after_seq bigint, max_rows int default 500, max_bytes int default 4000000
) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_variable
declare
  row_limit int := least(greatest(coalesce(max_rows, 500), 1), 1000);
  byte_limit int := least(greatest(coalesce(max_bytes, 4000000), 1), 16000000);
  newest_seq bigint;
  last_seq bigint;
  more boolean;
  page jsonb;
  erased jsonb;
begin
  perform private.require_role(team);
  after_seq := coalesce(after_seq, 0);
  newest_seq := (select t.newest_seq from public.teams t where t.id = team);
  if newest_seq <= after_seq then
    return jsonb_build_object('rows', '[]'::jsonb, 'erasures', '[]'::jsonb, 'newest_seq', newest_seq, 'more', false,
      'schema', private.schema());
  end if;

  -- Where the page ends, from lengths alone: octet_length does not read the text itself.
  select max(s.seq) into last_seq from (
    select c.seq, row_number() over by_seq as place,
      sum(coalesce(octet_length(c.content), 0)) over by_seq as bytes
    from (select a.seq, a.content from public.artifacts a
          where a.team_id = team and a.seq > after_seq order by a.seq limit row_limit) c
    window by_seq as (order by c.seq)) s
  where s.place = 1 or s.bytes <= byte_limit;

  select jsonb_agg(private.artifact_json(a, m.display_name) order by a.seq) into page
  from public.artifacts a
  left join public.team_members m on m.team_id = a.team_id and m.user_id = a.author
  where a.team_id = team and a.seq > after_seq and a.seq <= last_seq;

  -- The newest change may be an erasure, which no artifact's row has the seq of.
  more := last_seq < newest_seq and exists (
    select from public.artifacts a where a.team_id = team and a.seq > last_seq);
  select jsonb_agg(jsonb_build_object('seq', e.seq, 'pseudonym', e.pseudonym,
      'name', private.erased_name(e.pseudonym), 'mark', e.mark) order by e.seq) into erased
  from private.erasures e
  where e.team_id = team and e.seq > after_seq and e.seq <= case when more then last_seq else newest_seq end;

  return jsonb_build_object('rows', coalesce(page, '[]'), 'erasures', coalesce(erased, '[]'),
    'newest_seq', newest_seq, 'more', coalesce(more, false), 'schema', private.schema());
end $$;

revoke execute on function private.erasure_mark(uuid, uuid) from public, anon;
