-- Which states an artifact of each kind may be in, which may follow which, and who may move it there.

alter table public.teams add column lifecycle_version bigint not null default 1;

-- What holds for every team that has not decided otherwise. A definition is
-- {"states": [..], "approved": [..], "transitions": [{"from": state or null, "to": state, "role": role}]}.
create table public.lifecycle_defaults (
  kind text primary key,
  definition jsonb not null
);
create table public.team_lifecycles (
  team_id uuid not null references public.teams (id) on delete cascade,
  kind text not null,
  definition jsonb not null,
  primary key (team_id, kind)
);
-- Who approved which content, and when. The newest entry of an artifact is in force while its state is
-- an approved one.
create table public.artifact_approvals (
  team_id uuid not null references public.teams (id) on delete cascade,
  kind text not null,
  id text not null,
  version bigint not null,
  content_hash text not null,
  state text not null,
  approved_by uuid not null,
  approved_at timestamptz not null,
  primary key (team_id, kind, id, version)
);

alter table public.lifecycle_defaults enable row level security;
alter table public.team_lifecycles enable row level security;
alter table public.artifact_approvals enable row level security;
revoke all on public.lifecycle_defaults, public.team_lifecycles, public.artifact_approvals
  from anon, authenticated;
grant select on public.lifecycle_defaults, public.team_lifecycles, public.artifact_approvals to authenticated;
grant all on public.lifecycle_defaults, public.team_lifecycles, public.artifact_approvals to service_role;
create policy "everybody reads the defaults" on public.lifecycle_defaults
  for select to authenticated using (true);
create policy "members read their lifecycles" on public.team_lifecycles
  for select to authenticated using (team_id in (select private.my_team_ids()));
create policy "members read approvals" on public.artifact_approvals
  for select to authenticated using (team_id in (select private.my_team_ids()));

-- Moves as (kinds, from, to, role), each several at once; "" is nothing: the artifact is new.
insert into public.lifecycle_defaults (kind, definition)
select k.kind, jsonb_build_object('states', to_jsonb(k.states), 'approved', to_jsonb(k.approved), 'transitions', (
    select jsonb_agg(jsonb_build_object('from', nullif(f.state, ''), 'to', t.state, 'role', m.role) order by m.n, f.n, t.n)
    from (values
      (1, 'story', '', 'DRAFT OPEN COMMITTED DONE ICEBOX', 'editor'),
      (2, 'story', '', 'APPROVED', 'approver'),
      (3, 'story', 'DRAFT', 'OPEN ICEBOX', 'editor'),
      (4, 'story', 'OPEN', 'COMMITTED DRAFT ICEBOX', 'editor'),
      (5, 'story', 'COMMITTED', 'OPEN DRAFT DONE ICEBOX', 'editor'),
      (6, 'story', 'COMMITTED', 'APPROVED', 'approver'),
      (7, 'story', 'APPROVED', 'COMMITTED OPEN DRAFT DONE', 'approver'),
      (8, 'story', 'DONE', 'OPEN', 'editor'),
      (9, 'story', 'ICEBOX', 'DRAFT OPEN', 'editor'),
      (10, 'plan', '', 'DRAFT PROPOSED SUPERSEDED', 'editor'),
      (11, 'plan', '', 'APPROVED', 'approver'),
      (12, 'plan', 'DRAFT', 'PROPOSED', 'editor'),
      (13, 'plan', 'PROPOSED', 'DRAFT', 'editor'),
      (14, 'plan', 'PROPOSED', 'APPROVED', 'approver'),
      (15, 'plan', 'APPROVED', 'PROPOSED DRAFT SUPERSEDED', 'approver'),
      (16, 'runbook adr', '', 'DRAFT PROPOSED SUPERSEDED', 'editor'),
      (17, 'runbook adr', '', 'ACCEPTED', 'approver'),
      (18, 'runbook adr', 'DRAFT', 'PROPOSED', 'editor'),
      (19, 'runbook adr', 'PROPOSED', 'DRAFT', 'editor'),
      (20, 'runbook adr', 'PROPOSED', 'ACCEPTED', 'approver'),
      (21, 'runbook adr', 'ACCEPTED', 'PROPOSED DRAFT SUPERSEDED', 'approver'),
      (22, 'journey', '', 'DRAFT COMMITTED DONE ICEBOX', 'editor'),
      (23, 'journey', '', 'APPROVED', 'approver'),
      (24, 'journey', 'DRAFT', 'COMMITTED ICEBOX', 'editor'),
      (25, 'journey', 'COMMITTED', 'DRAFT DONE ICEBOX', 'editor'),
      (26, 'journey', 'COMMITTED', 'APPROVED', 'approver'),
      (27, 'journey', 'APPROVED', 'COMMITTED DRAFT DONE', 'approver'),
      (28, 'journey', 'DONE', 'COMMITTED', 'editor'),
      (29, 'journey', 'ICEBOX', 'DRAFT', 'editor')
    ) m (n, kinds, froms, tos, role)
    cross join lateral unnest(case when m.froms = '' then array[''] else string_to_array(m.froms, ' ') end)
      with ordinality f (state, n)
    cross join lateral unnest(string_to_array(m.tos, ' ')) with ordinality t (state, n)
    where k.kind = any (string_to_array(m.kinds, ' '))))
from (values
  ('story', array['DRAFT', 'OPEN', 'COMMITTED', 'APPROVED', 'DONE', 'ICEBOX'], array['APPROVED']),
  ('plan', array['DRAFT', 'PROPOSED', 'APPROVED', 'SUPERSEDED'], array['APPROVED']),
  ('runbook', array['DRAFT', 'PROPOSED', 'ACCEPTED', 'SUPERSEDED'], array['ACCEPTED']),
  ('adr', array['DRAFT', 'PROPOSED', 'ACCEPTED', 'SUPERSEDED'], array['ACCEPTED']),
  ('journey', array['DRAFT', 'COMMITTED', 'APPROVED', 'DONE', 'ICEBOX'], array['APPROVED'])
) k (kind, states, approved);

-- How much a role may: each may what the lower ones may.
create function private.rank(role text) returns int
language sql immutable parallel safe as $$
  select array_position(array['viewer', 'editor', 'approver', 'admin'], role)
$$;

create function private.lifecycle_definitions(team uuid) returns table (kind text, definition jsonb)
language sql stable security definer set search_path = '' as $$
  select coalesce(t.kind, d.kind), coalesce(t.definition, d.definition)
  from public.lifecycle_defaults d
  full join (select * from public.team_lifecycles l where l.team_id = lifecycle_definitions.team) t
    on t.kind = d.kind
$$;

-- The same, as it is asked for each change: per kind the known states, the approved ones, the rank that a
-- move needs as "from>to" (">to" from nothing), and the least rank that may take an approval away.
create function private.rules_of(team uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select coalesce(jsonb_object_agg(l.kind, jsonb_build_object(
      'states', l.definition -> 'states', 'approved', l.definition -> 'approved',
      'moves', (select coalesce(jsonb_object_agg(coalesce(t ->> 'from', '') || '>' || (t ->> 'to'),
          private.rank(t ->> 'role')), '{}') from jsonb_array_elements(l.definition -> 'transitions') t),
      'leave', (select coalesce(jsonb_object_agg(s.state, coalesce((
            select min(private.rank(t ->> 'role')) from jsonb_array_elements(l.definition -> 'transitions') t
            where t ->> 'from' = s.state), private.rank('admin'))), '{}')
          from jsonb_array_elements_text(l.definition -> 'approved') s (state)))), '{}')
  from private.lifecycle_definitions(team) l
$$;

-- Whether an artifact may go from one state to another: null, or the code of the refusal. `rules` are
-- those of its kind, null if it has none. A state that the rules do not name counts as none at all, so
-- such artifacts are taken as they are; but an approval is taken away only by who may, also by moving to
-- such a state and by deleting the artifact. Inlined: it sets no search_path.
create function private.state_refusal(
  rules jsonb, my_rank int, from_state text, to_state text, is_same_content boolean
) returns text
language sql immutable parallel safe as $$
  select case
    when rules is null then null
    when coalesce(rules -> 'states' ? to_state, false) then case
      when from_state = to_state then
        case when rules -> 'approved' ? to_state and not is_same_content then 'approved' end
      when not rules -> 'moves' ?
          (case when rules -> 'states' ? from_state then from_state else '' end || '>' || to_state) then 'state'
      when my_rank < (rules -> 'moves' ->>
          (case when rules -> 'states' ? from_state then from_state else '' end || '>' || to_state))::int
        then 'state_role'
    end
    when my_rank < (rules -> 'leave' ->> from_state)::int then 'state_role'
  end
$$;

-- The states that may follow, for somebody of that rank, in the order of the definition.
create function private.may_follow(rules jsonb, my_rank int, from_state text) returns jsonb
language sql immutable parallel safe set search_path = '' as $$
  select coalesce(jsonb_agg(s.state order by s.n), '[]')
  from jsonb_array_elements_text(rules -> 'states') with ordinality s (state, n)
  where my_rank >= (rules -> 'moves' ->>
    (case when rules -> 'states' ? from_state then from_state else '' end || '>' || s.state))::int
$$;

revoke execute on function private.rank(text), private.lifecycle_definitions(uuid), private.rules_of(uuid),
  private.state_refusal(jsonb, int, text, text, boolean), private.may_follow(jsonb, int, text) from public, anon;

-- Whoever writes the table past push_artifacts (the secret key, SQL) keeps to the rules as an admin does:
-- the state is read from the text, only moves of the table are made, and approved bytes stay. push_artifacts
-- has judged its changes already and says so for its transaction.
create function private.keep_lifecycle() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  rules jsonb;
  was public.artifacts;
  refusal text;
begin
  if tg_op = 'UPDATE' and (new.team_id, new.kind, new.id) is distinct from (old.team_id, old.kind, old.id) then
    raise exception 'an artifact keeps its team, kind and id' using errcode = '23514';
  end if;
  if tg_op <> 'INSERT' then
    was := old;
  end if;
  if tg_op = 'DELETE' then
    if not exists (select from public.teams t where t.id = was.team_id) then
      return old; -- the team itself is going
    end if;
    if private.rules_of(was.team_id) -> was.kind -> 'approved' ? was.state then
      raise exception '%/% is %: it cannot be deleted', was.kind, was.id, was.state
        using errcode = '23514', hint = 'Move it to another state first.';
    end if;
    return old;
  end if;
  new.state := private.state_of(new.content, new.path);
  rules := private.rules_of(new.team_id) -> new.kind;
  refusal := private.state_refusal(rules, private.rank('admin'), was.state, new.state,
    coalesce(was.content_hash = new.content_hash and was.content = new.content, false));
  if refusal is not null then
    raise exception '%/% cannot go from % to %', new.kind, new.id, coalesce(was.state, 'no state'), new.state
      using errcode = '23514', detail = refusal, hint = case refusal
        when 'approved' then 'Approved content does not change: move it to another state in the same write.'
        else 'See lifecycle_defaults and team_lifecycles.' end;
  end if;
  if rules -> 'approved' ? new.state and was.state is distinct from new.state then
    insert into public.artifact_approvals (team_id, kind, id, version, content_hash, state, approved_by, approved_at)
    values (new.team_id, new.kind, new.id, new.version, new.content_hash, new.state, new.author, clock_timestamp())
    on conflict (team_id, kind, id, version) do update set content_hash = excluded.content_hash,
      state = excluded.state, approved_by = excluded.approved_by, approved_at = excluded.approved_at;
  end if;
  return new;
end $$;
revoke execute on function private.keep_lifecycle() from public, anon;

create trigger keep_lifecycle before insert or update or delete on public.artifacts
  for each row when (current_setting('agent.is_judged', true) is distinct from 'yes')
  execute function private.keep_lifecycle();

-- What is wrong with a definition, or null.
create function private.invalid_lifecycle(definition jsonb) returns text
language plpgsql immutable set search_path = '' as $$
declare
  states jsonb := definition -> 'states';
  approved jsonb := definition -> 'approved';
  moves jsonb := definition -> 'transitions';
begin
  if jsonb_typeof(definition) <> 'object' or jsonb_typeof(states) is distinct from 'array'
    or jsonb_typeof(approved) is distinct from 'array' or jsonb_typeof(moves) is distinct from 'array'
    or (definition - 'states' - 'approved' - 'transitions') <> '{}' then
    return 'a lifecycle has three lists: states, approved, transitions';
  end if;
  if jsonb_array_length(states) not between 1 and 50 or jsonb_array_length(moves) > 1000 then
    return 'a lifecycle has 1 to 50 states and at most 1000 transitions';
  end if;
  if exists (select from jsonb_array_elements(states) s where jsonb_typeof(s) <> 'string'
      or (s #>> '{}') !~ '^[A-Z][A-Z_]{0,49}$' or private.state_name(s #>> '{}') is distinct from s #>> '{}') then
    return 'a state is written in capital letters, its words joined by "_"';
  end if;
  if (select count(distinct s) from jsonb_array_elements(states) s) <> jsonb_array_length(states) then
    return 'a state is there twice';
  end if;
  if not approved <@ states or exists (select from jsonb_array_elements(approved) a where jsonb_typeof(a) <> 'string') then
    return 'an approved state is not among the states';
  end if;
  if exists (select from jsonb_array_elements(moves) m where jsonb_typeof(m) <> 'object'
      or jsonb_typeof(m -> 'to') is distinct from 'string' or not states ? (m ->> 'to')
      or coalesce(jsonb_typeof(m -> 'from'), 'missing') not in ('string', 'null')
      or not coalesce(states ? (m ->> 'from'), true) or (m ->> 'from') is not distinct from (m ->> 'to')
      or coalesce(m ->> 'role', '') not in ('editor', 'approver', 'admin') or (m - 'from' - 'to' - 'role') <> '{}') then
    return 'a transition goes from a state (or null) to another one, for an editor, approver or admin';
  end if;
  if (select count(distinct (m ->> 'from', m ->> 'to')) from jsonb_array_elements(moves) m) <> jsonb_array_length(moves) then
    return 'a transition is there twice';
  end if;
  if exists (select from jsonb_array_elements(moves) m where m ->> 'role' = 'editor'
      and (approved ? (m ->> 'to') or coalesce(approved ? (m ->> 'from'), false))) then
    return 'only an approver or an admin moves an artifact to an approved state, or out of one';
  end if;
  return null;
end $$;
revoke execute on function private.invalid_lifecycle(jsonb) from public, anon;

create function public.team_lifecycle(team uuid) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.require_role(team_lifecycle.team);
  return jsonb_build_object(
    'version', (select t.lifecycle_version from public.teams t where t.id = team_lifecycle.team),
    'kinds', (select jsonb_object_agg(l.kind, l.definition)
      from private.lifecycle_definitions(team_lifecycle.team) l));
end $$;

create function public.artifact_approvals(team uuid, kind text, id text) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.require_role(artifact_approvals.team);
  return (select jsonb_build_object('approvals', coalesce(jsonb_agg(jsonb_build_object(
      'version', a.version, 'content_hash', a.content_hash, 'state', a.state, 'approved_by', a.approved_by,
      'approver_name', m.display_name, 'approved_at', a.approved_at,
      'is_in_force', c.content_hash = a.content_hash and c.state = a.state
        and not exists (select from public.artifact_approvals newer where newer.team_id = a.team_id
          and newer.kind = a.kind and newer.id = a.id and newer.version > a.version))
    order by a.version desc), '[]'))
    from public.artifact_approvals a
    left join public.artifacts c on c.team_id = a.team_id and c.kind = a.kind and c.id = a.id
    left join public.team_members m on m.team_id = a.team_id and m.user_id = a.approved_by
    where a.team_id = artifact_approvals.team and a.kind = artifact_approvals.kind
      and a.id = artifact_approvals.id);
end $$;

revoke execute on function public.team_lifecycle(uuid), public.artifact_approvals(uuid, text, text)
  from public, anon;
grant execute on function public.team_lifecycle(uuid), public.artifact_approvals(uuid, text, text) to authenticated;
