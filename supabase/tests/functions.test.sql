-- What each role may do through each function, and with which error the rest is refused.
begin;
create extension if not exists pgtap with schema extensions;

create schema tests;
grant usage on schema tests to public;
create function tests.act_as(who uuid) returns text language sql as $$
  select set_config('request.jwt.claim.sub', coalesce(who::text, ''), true)
    || set_config('request.jwt.claims', jsonb_build_object('sub', who, 'session_id', 'the-session')::text, true)
    || set_config('role', case when who is null then 'anon' else 'authenticated' end, true)
$$;
create function tests.person(n int) returns uuid language sql immutable as $$
  select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid $$;
create function tests.team() returns uuid language sql immutable as $$
  select '00000000-0000-4000-9000-000000000001'::uuid $$;
-- Persons 1 to 4: viewer, editor, approver, admin; 5: a stranger; 6: a second admin.
insert into auth.users (id, email, email_confirmed_at)
  select tests.person(n), 'person' || n || '@example.com', case when n <> 5 then now() end from generate_series(1, 6) n;
insert into public.teams (id, name) values (tests.team(), 'One');
insert into public.team_members (team_id, user_id, role, display_name)
  select tests.team(), tests.person(n::int), role, role from unnest(array['viewer', 'editor', 'approver', 'admin']) with ordinality r (role, n);
insert into public.team_members values (tests.team(), tests.person(6), 'admin', 'second');

create function tests.change(id text, content text, base_version int default 0, fields jsonb default '{}') returns jsonb language sql as $$
  select jsonb_build_array(jsonb_build_object('change_id', gen_random_uuid(), 'kind', 'plan', 'id', id, 'base_version', base_version,
    'path', 'plans/' || id || '.md', 'title', null, 'state', null, 'content', content,
    'content_hash', encode(sha256(convert_to(content, 'UTF8')), 'hex')) || fields) $$;
-- What somebody gets for a push: the result, or the code of the refusal.
create function tests.push(who int, changes jsonb) returns text language plpgsql as $$
declare r jsonb;
begin
  perform tests.act_as(tests.person(who));
  r := public.push_artifacts(tests.team(), changes) -> 'results' -> -1;
  return coalesce(r -> 'reason' ->> 'code', r ->> 'result');
end $$;
-- The code with which a call is answered, raised or not; null if it was done.
create function tests.code(who int, call text) returns text language plpgsql as $$
declare answer jsonb;
begin
  perform tests.act_as(tests.person(who));
  execute 'select to_jsonb(' || call || ')' into answer;
  return case when jsonb_typeof(answer) = 'object' and answer ? 'details' then answer ->> 'code' end;
exception when others then
  return sqlstate;
end $$;
grant execute on all functions in schema tests to public;

-- The same for a call of which nothing stays, so that each call finds what the first one found.
create function tests.code_undone(who int, call text) returns text language plpgsql as $$
declare answer jsonb;
begin
  perform tests.act_as(tests.person(who));
  begin
    execute 'select to_jsonb(' || call || ')' into answer;
    raise exception using errcode = 'UNDO1';
  exception when sqlstate 'UNDO1' then null;
  end;
  return case when jsonb_typeof(answer) = 'object' and answer ? 'details' then answer ->> 'code' end;
exception when others then
  return sqlstate;
end $$;
grant execute on function tests.code_undone(int, text) to public;

-- Two more teams, which invite the persons 1 to 4, and whose admin is person 7.
insert into auth.users (id, email, email_confirmed_at) values (tests.person(7), 'person7@example.com', now());
insert into public.teams (id, name) values (tests.person(82), 'Two'), (tests.person(83), 'Three');
insert into public.team_members select tests.person(80 + n), tests.person(7), 'admin', 'elsewhere' from generate_series(2, 3) n;
insert into public.team_invitations (id, team_id, email, role, invited_by)
  select tests.person(100 * t + n), tests.person(80 + t), 'person' || n || '@example.com', 'viewer', tests.person(7)
  from generate_series(2, 3) t, generate_series(1, 4) n;
insert into public.team_invitations (id, team_id, email, role, invited_by)
  values (tests.person(98), tests.team(), 'later@example.com', 'viewer', tests.person(4));
create function tests.my_number() returns int language sql as $$ select right((select auth.uid())::text, 1)::int $$;
grant execute on function tests.my_number() to public;

-- A call for each function; which members may make it (v, e, a, A), and the code that the others among them
-- get; the code for a stranger and for the admin of another team; the code for nobody signed in. Null: it is done.
create table tests.calls (n int, call text, roles text, code text, stranger text, nobody text);
insert into tests.calls values
  (1, 'public.pull_artifacts(tests.team(), 0)', 'veaA', null, '42501', '42501'),
  (2, 'public.artifact_versions(tests.team(), ''plan'', ''P'')', 'veaA', null, '42501', '42501'),
  (3, 'public.team_lifecycle(tests.team())', 'veaA', null, '42501', '42501'),
  (4, 'public.artifact_approvals(tests.team(), ''plan'', ''P'')', 'veaA', null, '42501', '42501'),
  (5, 'public.audit_entries(tests.team())', 'veaA', null, '42501', '42501'),
  (6, 'public.audit_entries(tests.team(), member => tests.person(6))', 'A', '42501', '42501', '42501'),
  (7, 'public.allocate_id(tests.team(), ''plan'', ''P'')', 'eaA', '42501', '42501', '42501'),
  (8, 'public.set_lifecycle(tests.team(), ''plan'', null)', 'A', '42501', '42501', '42501'),
  (9, 'public.invite_member(tests.team(), ''x@example.com'', ''viewer'')', 'A', '42501', '42501', '42501'),
  (10, 'public.set_member_role(tests.team(), tests.person(6), ''viewer'')', 'A', '42501', '42501', '42501'),
  (11, 'public.remove_team_member(tests.team(), tests.person(6))', 'A', '42501', '42501', '42501'),
  (12, 'public.export_author(tests.team(), tests.person(6))', 'A', '42501', '42501', '42501'),
  (13, 'public.export_author(tests.team(), (select auth.uid()))', 'veaA', null, '42501', '42501'),
  (14, 'public.erase_author(tests.team(), tests.person(6), ''remove'')', 'A', '42501', '42501', '42501'),
  (15, 'public.erase_author(tests.team(), (select auth.uid()), ''keep'')', 'veaA', null, '42501', '42501'),
  (16, 'public.push_artifacts(tests.team(), ''[]'')', 'veaA', null, '42501', '42501'),
  (17, 'public.team_channel(tests.team())', 'veaA', null, '42501', '42501'),
  (18, 'public.leave_team(tests.team())', 'veaA', null, '42501', '42501'),
  -- Whoever may not know of an invitation is told that there is none.
  (19, 'public.revoke_invitation(tests.person(98))', 'A', '42501', null, '42501'),
  (20, 'public.accept_invitation(tests.person(200 + tests.my_number()))', 'veaA', null, 'PT404', '42501'),
  (21, 'public.accept_invitation(tests.person(98))', '', 'PT404', 'PT404', '42501'),
  (22, 'public.decline_invitation(tests.person(300 + tests.my_number()))', 'veaA', null, 'PT404', '42501'),
  (23, 'public.decline_invitation(tests.person(98))', '', 'PT404', 'PT404', '42501'),
  (24, 'public.my_invitations()', 'veaA', null, null, '42501'),
  (25, 'public.create_team(''Mine'')', 'veaA', null, null, '42501'),
  (26, 'public.schema_version()', 'veaA', null, null, null);
grant select on tests.calls to public;

select plan(26 * 7 + 4 + 15 + 7);

create function tests.per_role() returns setof text language plpgsql as $$
declare c record;
begin
  for c in select * from tests.calls order by n loop
    for who in 1 .. 4 loop
      return next is(tests.code_undone(who, c.call), case when strpos(c.roles, substr('veaA', who, 1)) = 0 then c.code end,
        format('%s as person %s', c.call, who));
    end loop;
    return next is(tests.code_undone(5, c.call), c.stranger, c.call || ' as a stranger');
    return next is(tests.code_undone(7, c.call), c.stranger, c.call || ' as the admin of another team');
    return next is(tests.code_undone(null, c.call), c.nobody, c.call || ' as nobody');
  end loop;
end $$;
select * from tests.per_role();
select set_config('role', 'none', true);
select is((select count(*) from public.team_invitations where id = tests.person(98)), 1::bigint, 'who takes back an invitation of others takes nothing');

-- No function without a call that is done and one that is refused; but everybody may ask for the version.
select is_empty($$
  select p.proname from pg_proc p
  where p.pronamespace = 'public'::regnamespace and p.prorettype <> 'trigger'::regtype
    and (has_function_privilege('anon', p.oid, 'execute') or has_function_privilege('authenticated', p.oid, 'execute'))
    and not exists (select from tests.calls c where starts_with(c.call, 'public.' || p.proname || '(') and c.roles <> '')
$$, 'each function of the API is called by somebody who may');
select is((
  select array_agg(p.proname::text) from pg_proc p
  where p.pronamespace = 'public'::regnamespace and p.prorettype <> 'trigger'::regtype
    and (has_function_privilege('anon', p.oid, 'execute') or has_function_privilege('authenticated', p.oid, 'execute'))
    and not exists (select from tests.calls c where starts_with(c.call, 'public.' || p.proname || '(')
      and coalesce(c.code, c.stranger, c.nobody) is not null)
), array['schema_version'], 'and by somebody who may not');
-- Behind them, clients may call what the policies ask and nothing else.
select is((
  select array_agg(p.proname::text order by p.proname) from pg_proc p
  where p.pronamespace = 'private'::regnamespace and (has_function_privilege('anon', p.oid, 'execute')
    or has_function_privilege('authenticated', p.oid, 'execute'))
), array['my_admin_team_ids', 'my_team_ids', 'my_team_topics'], 'the helpers are out of reach');

-- The author is whoever signed the request, whatever the change says; repetitions and order change nothing.
create table tests.kept as select tests.change('P', 'one', 0, jsonb_build_object('author', tests.person(4), 'version', 9, 'seq', 9,
  'updated_at', '2001-01-01')) as change;
grant select on tests.kept to public;
select is(tests.push(1, tests.change('V', 'one')), 'forbidden', 'a viewer pushes nothing');
select is(tests.push(2, (select change from tests.kept)), 'applied', 'an editor pushes');
select set_config('role', 'none', true);
select is((select (author, version, seq) from public.artifacts where team_id = tests.team() and id = 'P'), (tests.person(2), 1::bigint, 1::bigint),
  'what a change says of its author, version and seq counts for nothing');
select is(tests.push(4, tests.change('P', 'two', 1)), 'applied', 'another change on top');
select is(tests.push(2, (select change from tests.kept)), 'duplicate', 'a replayed change is known');
select is(tests.push(3, (select change from tests.kept)), 'duplicate', 'also when somebody else replays it');
select is(tests.push(2, tests.change('P', 'late', 1)), 'conflict', 'a reordered change is a conflict');
select is(tests.push(2, tests.change('P', 'future', 7)), 'conflict', 'and so is one from the future');
select is(tests.push(2, (select jsonb_set(change, '{0,id}', '"Q"') from tests.kept)), 'invalid', 'a change id is of one artifact');

-- The lifecycle, by role.
select is(tests.push(2, tests.change('S', 'State: APPROVED')), 'state_role', 'an editor does not approve');
select is(tests.push(3, tests.change('S', 'State: APPROVED')), 'applied', 'an approver does');
select is(tests.push(4, tests.change('S', E'State: APPROVED\nmore', 1)), 'approved', 'approved bytes stay, even for an admin');
select is(tests.push(2, tests.change('S', 'State: DRAFT', 1)), 'state_role', 'an editor does not take it back');
select is(tests.push(3, tests.change('S', 'State: SUPERSEDED', 1)), 'applied', 'an approver does, too');
select is(tests.push(3, tests.change('S', 'State: PROPOSED', 2)), 'state', 'what the table does not name does not happen');

-- Invitations need a confirmed address.
select set_config('role', 'none', true);
insert into public.team_invitations (id, team_id, email, role, invited_by)
  values (tests.person(99), tests.team(), 'person5@example.com', 'admin', tests.person(4));
select is(tests.code(5, 'public.accept_invitation(tests.person(99))'), 'PT404', 'an address that is not confirmed is nobody''s');
select is((select tests.act_as(tests.person(5)) is not null and public.my_invitations() = '[]'), true, 'and sees nothing');
select set_config('role', 'none', true);
update auth.users set email_confirmed_at = now() where id = tests.person(5);
select is(tests.code(2, 'public.accept_invitation(tests.person(99))'), 'PT404', 'an invitation is for its address');
select is(tests.code(5, 'public.accept_invitation(tests.person(99))'), null, 'who is invited joins');
select is(tests.code(5, 'public.erase_author(tests.team(), tests.person(5), ''keep'')'), null, 'and is erased by themselves');
select set_config('role', 'none', true);
select is((select count(*) from private.erasures e where strpos(to_jsonb(e)::text, tests.person(5)::text) > 0), 0::bigint,
  'an erasure does not say whose it is');
select is((select count(*) from private.erasures e where e.team_id = tests.team()
    and e.mark = private.erasure_mark(e.pseudonym, tests.person(5))), 1::bigint, 'but is known by whoever knows them');

select * from finish();
rollback;
