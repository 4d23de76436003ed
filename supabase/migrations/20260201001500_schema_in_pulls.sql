-- A pull says which contract the database keeps, so that a program that was written for another one is told at no
-- cost. A migration that a program could notice raises `version`; one that programs before it cannot live with
-- raises `oldest_client` to the same number, too.

create or replace function public.schema_version() returns int
language sql immutable parallel safe set search_path = '' as $$
  select 3
$$;

-- The oldest contract a program may have been written for. Before 3, programs look for the channel where it is
-- not any more, and would hear nothing without being told.
create function private.oldest_client() returns int
language sql immutable parallel safe set search_path = '' as $$
  select 3
$$;

create function private.schema() returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('version', public.schema_version(), 'oldest_client', private.oldest_client())
$$;

-- STABLE: every statement in it sees the same snapshot, so `rows` and `newest_seq` agree.
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
  page jsonb;
begin
  perform private.require_role(team);
  after_seq := coalesce(after_seq, 0);
  newest_seq := (select t.newest_seq from public.teams t where t.id = team);
  if newest_seq <= after_seq then
    return jsonb_build_object('rows', '[]'::jsonb, 'newest_seq', newest_seq, 'more', false,
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

  return jsonb_build_object('rows', coalesce(page, '[]'), 'newest_seq', newest_seq,
    -- The newest change is always some artifact's current row.
    'more', coalesce(last_seq < newest_seq, false), 'schema', private.schema());
end $$;

revoke execute on function private.oldest_client(), private.schema() from public, anon;
