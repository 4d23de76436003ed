-- At 10,000 artifacts, membership is looked up once per query, not once per row.
begin;
create extension if not exists pgtap with schema extensions;

insert into auth.users (id, email) values ('00000000-0000-4000-8000-000000000001', 'one@example.com');
insert into public.teams (id, name) select ('00000000-0000-4000-9000-00000000000' || n)::uuid, 'Team' from generate_series(1, 2) n;
insert into public.team_members values
  ('00000000-0000-4000-9000-000000000001', '00000000-0000-4000-8000-000000000001', 'viewer', 'one');
select set_config('agent.is_judged', 'yes', true);
insert into public.artifacts (team_id, kind, id, version, seq, path, content, content_hash, author, change_id, updated_at)
  select ('00000000-0000-4000-9000-00000000000' || 1 + n % 2)::uuid, 'note', 'N-' || n, 1, n, 'n.md', 'text', 'x',
    '00000000-0000-4000-8000-000000000001', gen_random_uuid(), now() from generate_series(1, 10000) n;
select set_config('agent.is_judged', '', true);
insert into public.artifact_history (team_id, kind, id, version, seq, path, author, change_id, updated_at)
  select team_id, kind, id, version, seq, path, author, change_id, updated_at from public.artifacts where id like 'N-%';
analyze public.artifacts;

create schema tests;
grant usage on schema tests to public;
-- The most often that any part of a plan that calls a function was run. The planner shows such parts as a
-- ProjectSet (the helper), an InitPlan (auth.uid), or names the function in a filter.
create function tests.calls(query text) returns table (runs bigint, filters text) language plpgsql as $$
declare plan jsonb;
begin
  execute 'explain (analyze, verbose, timing off, format json) ' || query into plan;
  return query
    with recursive nodes as (
      select plan -> 0 -> 'Plan' as node
      union all select c from nodes, jsonb_array_elements(coalesce(node -> 'Plans', '[]')) c)
    select max((node ->> 'Actual Loops')::bigint) filter (where node ->> 'Node Type' in ('ProjectSet', 'Function Scan')),
      string_agg(node ->> 'Filter', '; ') filter (where node ->> 'Filter' ~ 'my_team_ids|uid\(')
    from nodes;
end $$;
grant execute on function tests.calls(text) to public;

select plan(9);
select set_config('request.jwt.claim.sub', '00000000-0000-4000-8000-000000000001', true);
select set_config('request.jwt.claims', '{"sub": "00000000-0000-4000-8000-000000000001"}', true);
set local role authenticated;
select is((select count(*) from public.artifacts where id like 'N-%'), 5000::bigint, 'a member sees one team of two');
select results_eq('select * from tests.calls(''select count(*) from public.artifacts'')', 'values (1::bigint, null::text)', 'everything');
select results_eq($$ select * from tests.calls('select content from public.artifacts where seq > 100 order by seq limit 500') $$,
  'values (1::bigint, null::text)', 'a page by seq');
select results_eq($$ select * from tests.calls('select count(*) from public.team_members') $$, 'values (1::bigint, null::text)', 'members');
select results_eq($$ select * from tests.calls('select count(*) from public.artifact_history') $$, 'values (1::bigint, null::text)', 'history');
set local role none;

create function tests.uses(query text) returns text language plpgsql as $$
declare plan jsonb;
begin
  execute 'explain (format json) ' || query into plan;
  return jsonb_path_query_first(plan, '$.**."Index Name"') #>> '{}';
end $$;
select is(tests.uses($$ select * from public.artifacts where team_id = '00000000-0000-4000-9000-000000000001' and seq > 9000 order by seq limit 10 $$),
  'artifacts_team_id_seq_key', 'a pull walks the index of seq');
select is(tests.uses($$ select * from public.artifacts where team_id = '00000000-0000-4000-9000-000000000001' and kind = 'note' and id = 'N-8' $$),
  'artifacts_pkey', 'an artifact is found by its key');
-- A push asks for the rules once, and its query is not compiled anew each time.
select is((select prorows from pg_proc where oid = 'private.lifecycle_definitions(uuid)'::regprocedure), 10::real, 'there is a lifecycle for a few kinds');
select is((select proconfig @> array['jit=off'] from pg_proc where oid = 'public.push_artifacts(uuid, jsonb)'::regprocedure), true,
  'a push does not wait for a compiler');
select * from finish();
rollback;
