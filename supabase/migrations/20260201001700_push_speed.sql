-- push_artifacts in a time that grows with its batch, from the first push on. The planner knows nothing of how often
-- a word occurs in an intermediate result, takes equality with one for rare, and joined thousands of rows by
-- comparing each with each; of a boolean it expects half to be true. Nothing else changes.

-- It has a row per kind; with the thousand that a function is taken to return, compiling the query (jit) took longer
-- than the push.
alter function private.lifecycle_definitions(uuid) rows 10;
alter function public.push_artifacts(uuid, jsonb) set jit = off;

-- Applies those changes of a batch that are the first for their artifact, in one statement. Returns
-- one row per change: its answer, or, for a later change to the same artifact, null and its turn.
-- The caller holds the team's row lock and passes the counter it read under it, and how many bytes of
-- newest rows its earlier rounds have shown; `shown` is what an answer adds to them.
create or replace function private.push_round(
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
      (case when i.invalid is null then row_number() over artifact else 1 end) = 1 as is_first,
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
    where c.is_first
  ),
  -- What would be applied is read, and held to the lifecycle of its kind.
  read as materialized (
    select c.*, case when c.verdict = 'applied' then left(private.state_of(i.content, i.path), 200) end as state,
      case when c.verdict = 'applied' then octet_length(i.content) end as bytes
    from compared c join incoming i on i.ord = c.ord
  ),
  ruled as (
    select r.ord, r.kind, r.id, r.raw_change_id, r.change_id, r.content_hash, r.known_version, r.known_seq,
      r.current_version, r.current_seq, r.current_state, r.current_hash, r.current_content_bytes,
      r.current_bytes, r.invalid, r.state, r.bytes,
      case when r.verdict = 'applied' then coalesce(private.state_refusal(push_round.rules -> r.kind, my_rank,
        r.current_state, r.state, r.current_hash = r.content_hash), 'applied') else r.verdict end as verdict
    from read r
  ),
  judged as materialized (
    select r.*, r.verdict = 'applied' as is_applied, r.verdict = 'conflict' as is_conflict from ruled r
  ),
  -- The conflicts that are answered with the newest row; the others are deferred.
  shown as materialized (
    select s.ord, s.current_version, s.current_seq, s.current_bytes
    from (select j.*, sum(j.current_bytes) over (order by j.ord) as bytes_so_far
          from judged j where j.is_conflict) s
    where push_round.shown_before + s.bytes_so_far - s.current_bytes < show_limit
  ),
  accepted as materialized (
    select j.ord, j.kind, j.id, coalesce(j.current_version, 0) + 1 as version, j.change_id, j.state,
      j.content_hash, coalesce(push_round.rules -> j.kind -> 'approved' ? j.state, false)
        and j.state is distinct from j.current_state as is_approval,
      push_round.newest_seq + row_number() over (order by j.ord) as seq
    from judged j where j.is_applied
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
    where j.verdict <> 'duplicate' and (not j.is_conflict or s.ord is not null)
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
