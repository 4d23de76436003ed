-- Reading: what is new since a seq, and the versions of one artifact.

-- STABLE: every statement in it sees the same snapshot, so `rows` and `newest_seq` agree.
create function public.pull_artifacts(
  team uuid, after_seq bigint, max_rows int default 500, max_bytes int default 4000000
) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_variable
declare
  row_limit int := least(greatest(coalesce(max_rows, 500), 1), 1000);
  byte_limit int := least(greatest(coalesce(max_bytes, 4000000), 1), 16000000);
  newest_seq bigint;
  last_seq bigint;
  page jsonb;
begin
  perform private.require_role(team);
  after_seq := coalesce(after_seq, 0);
  newest_seq := (select t.newest_seq from public.teams t where t.id = team);
  if newest_seq <= after_seq then
    return jsonb_build_object('rows', '[]'::jsonb, 'newest_seq', newest_seq, 'more', false);
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

  return jsonb_build_object('rows', coalesce(page, '[]'), 'newest_seq', newest_seq,
    -- The newest change is always some artifact's current row.
    'more', coalesce(last_seq < newest_seq, false));
end $$;

create function public.artifact_versions(
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
        or h.content_hash = artifact_versions.content_hash)
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
        'content_hash', c.content_hash, 'author', c.author, 'author_name', m.display_name,
        'change_id', c.change_id, 'updated_at', c.updated_at, 'deleted', c.content is null)
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

revoke execute on function public.pull_artifacts(uuid, bigint, int, int),
  public.artifact_versions(uuid, text, text, text, bigint, int, boolean) from public, anon;
grant execute on function public.pull_artifacts(uuid, bigint, int, int),
  public.artifact_versions(uuid, text, text, text, bigint, int, boolean) to authenticated;
