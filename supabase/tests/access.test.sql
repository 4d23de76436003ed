-- Who may touch which table, per role: raw table access, other teams' rows, nobody signed in.
begin;
create extension if not exists pgtap with schema extensions;

create schema tests;
grant usage on schema tests to public;
create function tests.act_as(who uuid) returns text language sql as $$
  select set_config('request.jwt.claim.sub', coalesce(who::text, ''), true)
    || set_config('request.jwt.claims', jsonb_build_object('sub', who, 'session_id', 'the-session')::text, true)
    || set_config('role', case when who is null then 'anon' else 'authenticated' end, true)
$$;
create function tests.act_as_owner() returns text language sql as $$ select set_config('role', 'none', true) $$;
create function tests.person(n int) returns uuid language sql immutable as $$
  select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid $$;
create function tests.team(n int) returns uuid language sql immutable as $$
  select ('00000000-0000-4000-9000-' || lpad(n::text, 12, '0'))::uuid $$;
grant execute on all functions in schema tests to public;

-- Persons 1 to 4: viewer, editor, approver, admin of team 1; 5: admin of team 2; 6: nobody's member.
insert into auth.users (id, email, email_confirmed_at)
  select tests.person(n), 'person' || n || '@example.com', now() from generate_series(1, 6) n;
insert into public.teams (id, name) values (tests.team(1), 'One'), (tests.team(2), 'Two');
insert into public.team_members (team_id, user_id, role, display_name)
  select tests.team(1), tests.person(n::int), role, role from unnest(array['viewer', 'editor', 'approver', 'admin']) with ordinality r (role, n);
insert into public.team_members values (tests.team(2), tests.person(5), 'admin', 'other');
insert into public.artifacts (team_id, kind, id, version, seq, path, content, content_hash, author, change_id, updated_at)
  select tests.team(t), 'note', 'N-1', 1, 1, 'n.md', 'text', 'x', tests.person(4), gen_random_uuid(), now() from generate_series(1, 2) t;
insert into public.artifact_history (team_id, kind, id, version, seq, path, author, change_id, updated_at)
  select a.team_id, a.kind, a.id, a.version, a.seq, a.path, a.author, a.change_id, a.updated_at from public.artifacts a where a.id = 'N-1'
    and a.team_id in (tests.team(1), tests.team(2));
insert into public.artifact_approvals values
  (tests.team(1), 'note', 'N-1', 1, 'x', 'APPROVED', tests.person(4), now()), (tests.team(2), 'note', 'N-1', 1, 'x', 'APPROVED', tests.person(5), now());
insert into public.team_lifecycles values (tests.team(1), 'note', '{}'), (tests.team(2), 'note', '{}');
insert into public.team_invitations (team_id, email, role, invited_by)
  values (tests.team(1), 'a@example.com', 'viewer', tests.person(4)), (tests.team(2), 'b@example.com', 'viewer', tests.person(5));

create table tests.tables (name text, key text, needs text);
insert into tests.tables values ('teams', 'id', 'viewer'), ('team_members', 'team_id', 'viewer'), ('artifacts', 'team_id', 'viewer'),
  ('artifact_history', 'team_id', 'viewer'), ('artifact_approvals', 'team_id', 'viewer'), ('team_lifecycles', 'team_id', 'viewer'),
  ('team_invitations', 'team_id', 'admin');
-- What everybody reads, who is signed in.
create table tests.open_tables (name text, key text);
insert into tests.open_tables values ('lifecycle_defaults', 'kind');
grant select on tests.tables, tests.open_tables to public;

create function tests.rows(name text, key text, team uuid) returns bigint language plpgsql as $$
declare n bigint;
begin
  execute format('select count(*) from public.%I where %I = $1', name, key) into n using team;
  return n;
end $$;
grant execute on function tests.rows(text, text, uuid) to public;

select plan(7 * 6 * 2 + 7 * 8 * 3 + 8 + 2 + 6 + 3);

-- Members see their own team's rows and no others; the sixth is a stranger to both.
create function tests.sees() returns setof text language plpgsql as $$
declare
  t record;
begin
  for n in 1 .. 6 loop
    for t in select * from tests.tables loop
      perform tests.act_as(tests.person(n));
      return next ok((tests.rows(t.name, t.key, tests.team(1)) > 0) = (n = 4 or n < 4 and t.needs = 'viewer'), format('person %s, %s of team 1', n, t.name));
      return next ok((tests.rows(t.name, t.key, tests.team(2)) > 0) = (n = 5), format('person %s, %s of team 2', n, t.name));
    end loop;
  end loop;
  perform tests.act_as_owner();
end $$;
select * from tests.sees();

-- Nobody writes a table, not even an admin; nobody signed in does not even read.
create function tests.writes() returns setof text language plpgsql as $$
declare
  t record;
  who text;
begin
  for n in 1 .. 7 loop
    who := case n when 7 then 'anon' else 'person ' || n end;
    for t in select name, key from tests.tables union all select * from tests.open_tables loop
      perform tests.act_as(case when n < 7 then tests.person(n) end);
      return next throws_ok(format('insert into public.%I select * from public.%I limit 1', t.name, t.name), '42501', null, who || ' inserts into ' || t.name);
      return next throws_ok(format('update public.%I set %I = %I', t.name, t.key, t.key), '42501', null, who || ' updates ' || t.name);
      return next throws_ok(format('delete from public.%I', t.name), '42501', null, who || ' deletes from ' || t.name);
      if n = 7 then
        return next throws_ok(format('select * from public.%I', t.name), '42501', null, who || ' reads ' || t.name);
      end if;
    end loop;
  end loop;
  perform tests.act_as_owner();
end $$;
select * from tests.writes();

-- No table without these tests, and none behind the functions that a client could reach.
select is((select array_agg(c.relname::text order by c.relname) from pg_class c where c.relnamespace = 'public'::regnamespace
    and c.relkind in ('r', 'v', 'm', 'f', 'p')),
  (select array_agg(t.name order by t.name collate "C") from (select name from tests.tables union select name from tests.open_tables) t),
  'every table was tried');
select is_empty($$ select c.relname, r.role from pg_class c, unnest(array['anon', 'authenticated', 'service_role']) r (role)
    where c.relnamespace = 'private'::regnamespace and c.relkind in ('r', 'v', 'm', 'f', 'p', 'S')
      and has_table_privilege(r.role, c.oid, 'select, insert, update, delete, truncate, references, trigger') $$,
  'the private tables are out of reach, also for the secret key');

-- The audit log is out of reach for clients, and the owner can only add to it.
select tests.act_as(tests.person(4));
select throws_ok('select * from private.audit_log', '42501', null, 'an admin does not read the audit log past the function');
select throws_ok($$ insert into private.audit_log (team_id, at, action, outcome) values (tests.team(1), now(), 'x', 'y') $$, '42501', null, 'nor writes it');
select tests.act_as_owner();
insert into private.audit_log (team_id, at, action, outcome, user_id) values (tests.team(1), now(), 'x', 'y', tests.person(4));
select throws_ok('update private.audit_log set outcome = ''done''', '42501', null, 'the owner does not change it');
select throws_ok('delete from private.audit_log', '42501', null, 'nor delete from it');
select throws_ok('truncate private.audit_log', '42501', null, 'nor empty it');
select set_config('agent.is_erasing', 'yes', true);
select throws_ok('update private.audit_log set outcome = ''done''', '42501', null, 'erasing a person changes names only');

-- Who was removed sees nothing with the same token.
select tests.act_as_owner();
delete from public.team_members where team_id = tests.team(1) and user_id = tests.person(2);
select tests.act_as(tests.person(2));
select is(tests.rows('artifacts', 'team_id', tests.team(1)), 0::bigint, 'a removed member reads no artifacts');
select throws_ok(format('select public.pull_artifacts(%L, 0)', tests.team(1)), '42501', null, 'nor pulls');
select throws_ok(format('select public.push_artifacts(%L, ''[]'')', tests.team(1)), '42501', null, 'nor pushes');

select * from finish();
rollback;
