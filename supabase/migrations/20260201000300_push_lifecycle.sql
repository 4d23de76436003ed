-- push_artifacts again, now with the lifecycle, approvals, the audit log, and the state read from the text.
-- A refusal by the lifecycle carries what would be allowed.

-- Applies those changes of a batch that are the first for their artifact, in one statement. Returns
-- one row per change: its answer, or, for a later change to the same artifact, null and its turn.
-- The caller holds the team's row lock and passes the counter it read under it, and how many bytes of
-- newest rows its earlier rounds have shown; `shown` is what an answer adds to them.
drop function private.push_round(uuid, uuid, text, bigint, timestamptz, bigint, jsonb);
create function private.push_round(
  team uuid, me uuid, my_role text, rules jsonb, newest_seq bigint, pushed_at timestamptz, shown_before bigint,
  changes jsonb
) returns table (ord bigint, turn bigint, seq bigint, shown bigint, answer jsonb)
language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
declare
  -- A thousand conflicts could be gigabytes of newest rows. Once a call has shown this many bytes of
  -- them, its other conflicts are deferred; the first one of a call never is, so that retries end.
  show_limit constant bigint := 4000000;
  my_rank constant int := private.rank(my_role);
  session constant text := private.session_id();
  client constant text := private.client_name();
begin
  return query
  with incoming as materialized (
    select e.ord, e.change ->> 'change_id' as change_id, e.change ->> 'kind' as kind,
      e.change ->> 'id' as id, e.change ->> 'path' as path, e.change ->> 'title' as title,
      e.change ->> 'state' as state, e.change ->> 'content' as content,
      e.change ->> 'content_hash' as content_hash,
      e.change ->> 'base_version' as base_version,
      private.invalid_reason(e.change, e.change ->> 'change_id', e.change ->> 'kind',
        e.change ->> 'id', e.change ->> 'base_version', e.change ->> 'path') as invalid
    from jsonb_array_elements(push_round.changes) with ordinality as e (change, ord)
  ),
  -- From here on the content stays behind in `incoming`: only its verdict travels.
  checked as materialized (
    select i.ord, i.kind, i.id, i.path, i.content_hash, i.invalid, i.change_id as raw_change_id,
      case when i.invalid is null then i.change_id::uuid end as change_id,
      case when i.invalid is null then i.base_version::bigint end as base_version,
      case when i.invalid is null then row_number() over artifact else 1 end as turn,
      -- The same change twice is a retry only if it names the same artifact.
      first_value(i.kind || '/' || i.id) over change
        is distinct from i.kind || '/' || i.id as reused,
      octet_length(i.content) > 2097152 or octet_length(i.title) > 8192
        or octet_length(i.state) > 8192 as too_large,
      i.content_hash is distinct from encode(sha256(convert_to(i.content, 'UTF8')), 'hex')
        as hash_mismatch
    from incoming i
    window artifact as (partition by i.invalid is null, i.kind, i.id order by i.ord),
      change as (partition by i.invalid is null, lower(i.change_id) order by i.ord)
  ),
  compared as materialized (
    select c.ord, c.kind, c.id, c.raw_change_id, c.change_id, c.content_hash, h.version as known_version,
      h.seq as known_seq, a.version as current_version, a.seq as current_seq,
      a.state as current_state, a.content_hash as current_hash,
      octet_length(a.content) as current_content_bytes,
      -- Not what the text says, only how long it is: that does not read it.
      coalesce(octet_length(a.content), 0) + coalesce(octet_length(a.title), 0)
        + coalesce(octet_length(a.state), 0) as current_bytes,
      case
        when c.invalid is not null then 'invalid'
        when c.reused or (h.kind, h.id) is distinct from (c.kind, c.id) and h.version is not null
          then 'reused'
        when h.version is not null
            and (h.path, h.content_hash) is distinct from (c.path, c.content_hash) then 'altered'
        when h.version is not null then 'duplicate'
        when push_round.my_role = 'viewer' then 'forbidden'
        when c.too_large then 'too_large'
        when c.hash_mismatch then 'hash_mismatch'
        when coalesce(a.version, 0) = c.base_version then 'applied'
        else 'conflict'
      end as verdict,
      c.invalid
    from checked c
    left join public.artifact_history h
      on h.team_id = push_round.team and h.change_id = c.change_id
    left join public.artifacts a
      on a.team_id = push_round.team and a.kind = c.kind and a.id = c.id
    where c.turn = 1
  ),
  -- What would be applied is read, and held to the lifecycle of its kind.
  read as materialized (
    select c.ord, left(private.state_of(i.content, i.path), 200) as state,
      octet_length(i.content) as bytes
    from compared c join incoming i on i.ord = c.ord where c.verdict = 'applied'
  ),
  judged as materialized (
    select c.ord, c.kind, c.id, c.raw_change_id, c.change_id, c.content_hash, c.known_version, c.known_seq,
      c.current_version, c.current_seq, c.current_state, c.current_hash, c.current_content_bytes,
      c.current_bytes, c.invalid, r.state, r.bytes,
      case when c.verdict = 'applied' then coalesce(private.state_refusal(push_round.rules -> c.kind, my_rank,
        c.current_state, r.state, c.current_hash = c.content_hash), 'applied') else c.verdict end as verdict
    from compared c left join read r on r.ord = c.ord
  ),
  -- The conflicts that are answered with the newest row; the others are deferred.
  shown as materialized (
    select s.ord, s.current_version, s.current_seq, s.current_bytes
    from (select j.*, sum(j.current_bytes) over (order by j.ord) as bytes_so_far
          from judged j where j.verdict = 'conflict') s
    where push_round.shown_before + s.bytes_so_far - s.current_bytes < show_limit
  ),
  accepted as materialized (
    select j.ord, j.kind, j.id, coalesce(j.current_version, 0) + 1 as version, j.change_id, j.state,
      j.content_hash, coalesce(push_round.rules -> j.kind -> 'approved' ? j.state, false)
        and j.state is distinct from j.current_state as is_approval,
      push_round.newest_seq + row_number() over (order by j.ord) as seq
    from judged j where j.verdict = 'applied'
  ),
  recorded as (
    insert into public.artifact_history (team_id, kind, id, version, seq, path, title, state,
      content, content_hash, author, change_id, updated_at)
    select push_round.team, n.kind, n.id, n.version, n.seq, i.path, i.title, n.state,
      i.content, i.content_hash, push_round.me, n.change_id, push_round.pushed_at
    from accepted n join incoming i on i.ord = n.ord
  ),
  written as (
    insert into public.artifacts as a (team_id, kind, id, version, seq, path, title, state,
      content, content_hash, author, change_id, updated_at)
    select push_round.team, n.kind, n.id, n.version, n.seq, i.path, i.title, n.state,
      i.content, i.content_hash, push_round.me, n.change_id, push_round.pushed_at
    from accepted n join incoming i on i.ord = n.ord
    on conflict (team_id, kind, id) do update set
      version = excluded.version, seq = excluded.seq, path = excluded.path,
      title = excluded.title, state = excluded.state, content = excluded.content,
      content_hash = excluded.content_hash, author = excluded.author,
      change_id = excluded.change_id, updated_at = excluded.updated_at
  ),
  approved as (
    insert into public.artifact_approvals (team_id, kind, id, version, content_hash, state, approved_by, approved_at)
    select push_round.team, n.kind, n.id, n.version, n.content_hash, n.state, push_round.me, push_round.pushed_at
    from accepted n where n.is_approval
  ),
  -- Retries, and what was put off, are nothing new.
  audited as (
    insert into private.audit_log (team_id, at, user_id, session, client, action, outcome, reason, kind, id,
      from_version, to_version, state_before, state_after, bytes_before, bytes_after)
    select push_round.team, push_round.pushed_at, push_round.me, session, client, 'push',
      case when j.verdict in ('applied', 'conflict') then j.verdict else 'rejected' end,
      case when j.verdict in ('reused', 'altered') then 'invalid'
        when j.verdict not in ('applied', 'conflict') then j.verdict end,
      left(j.kind, 200), left(j.id, 200), j.current_version, n.version, j.current_state, j.state,
      j.current_content_bytes, j.bytes
    from judged j
    left join accepted n on n.ord = j.ord
    left join shown s on s.ord = j.ord
    where j.verdict <> 'duplicate' and (j.verdict <> 'conflict' or s.ord is not null)
    order by j.ord
  )
  select c.ord, c.turn, n.seq, s.current_bytes::bigint,
    case when c.turn = 1 then jsonb_build_object(
      'change_id', c.raw_change_id, 'kind', c.kind, 'id', c.id,
      'result', case when j.verdict = 'conflict' and s.ord is null then 'deferred'
        when j.verdict in ('applied', 'duplicate', 'conflict') then j.verdict else 'rejected' end,
      'version', case j.verdict when 'applied' then n.version
        when 'duplicate' then j.known_version when 'conflict' then s.current_version end,
      'seq', case j.verdict when 'applied' then n.seq
        when 'duplicate' then j.known_seq when 'conflict' then s.current_seq end,
      'reason', case j.verdict
        when 'invalid' then jsonb_build_object('code', 'invalid', 'message', j.invalid)
        when 'reused' then jsonb_build_object('code', 'invalid',
          'message', 'change_id was already used for another artifact')
        when 'altered' then jsonb_build_object('code', 'invalid',
          'message', 'change_id was already used for a change with another path or content')
        when 'forbidden' then jsonb_build_object('code', 'forbidden',
          'message', 'viewers cannot change artifacts')
        when 'too_large' then jsonb_build_object('code', 'too_large',
          'message', 'the limit is 2 MiB of content and 8 KiB of title or state')
        when 'hash_mismatch' then jsonb_build_object('code', 'hash_mismatch',
          'message', 'content_hash must be the hex SHA-256 of the content''s UTF-8 bytes, null for a deletion')
        when 'approved' then jsonb_build_object('code', 'approved', 'message', j.state
          || ' content does not change: move it to another state in the same change, or restore it')
        when 'state' then jsonb_build_object('code', 'state', 'message', j.state || ' may not follow '
          || coalesce(j.current_state, 'nothing'))
        when 'state_role' then jsonb_build_object('code', 'state_role', 'message', 'an '
          || push_round.my_role || ' may not move ' || coalesce(j.current_state, 'a new artifact') || ' to '
          || coalesce(j.state, 'no state'))
        end,
      'current', case when s.ord is not null then (
        select private.artifact_json(a, m.display_name) from public.artifacts a
        left join public.team_members m on m.team_id = a.team_id and m.user_id = a.author
        where a.team_id = push_round.team and a.kind = c.kind and a.id = c.id) end)
      || case when j.verdict in ('approved', 'state', 'state_role') then jsonb_build_object('detail',
        jsonb_build_object('from', j.current_state, 'to', j.state, 'role', push_round.my_role,
          'may_follow', private.may_follow(push_round.rules -> j.kind, my_rank, j.current_state)))
        else '{}' end
    end
  from checked c
  left join judged j on j.ord = c.ord
  left join accepted n on n.ord = c.ord
  left join shown s on s.ord = c.ord;
end $$;

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
      'artifacts_changed', 'team:' || team, true);
  end if;
  return jsonb_build_object('results', coalesce(to_jsonb(answers), '[]'),
    'from_seq', from_seq, 'newest_seq', newest_seq);
end $$;

revoke execute on function
  private.push_round(uuid, uuid, text, jsonb, bigint, timestamptz, bigint, jsonb) from public, anon;
