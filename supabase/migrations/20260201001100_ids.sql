-- Ids that are never given twice.

-- The highest number given so far per prefix. What is used by artifacts counts too: see allocate_id.
create table private.id_counters (
  team_id uuid not null references public.teams (id) on delete cascade,
  kind text not null,
  prefix text not null,
  last_number bigint not null,
  primary key (team_id, kind, prefix)
);
revoke all on private.id_counters from public, anon, authenticated, service_role;

-- The next free id 'PREFIX-NUMBER' of a kind: after every one given, after every one that an artifact of the
-- kind has or ever had, and after `after_number`, for ids that so far are in local files only. As wide as the
-- ids there are, at least three digits. A text on the wire: '"INFRA-041"'.
create function public.allocate_id(team uuid, kind text, prefix text, after_number int default 0) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
declare
  head text := allocate_id.prefix || '-';
  taken bigint;
  width int;
  number bigint;
  id text;
begin
  perform private.require_role(allocate_id.team); -- a stranger must not even wait for the lock
  perform from public.teams t where t.id = allocate_id.team for update;
  if private.require_role(allocate_id.team) = 'viewer' then
    return private.refuse(allocate_id.team, 'allocate_id', '42501', 'viewers cannot take ids', null,
      left(allocate_id.kind, 200), left(allocate_id.prefix, 200));
  end if;
  if (allocate_id.kind ~ '^[a-z][a-z0-9_-]{0,31}$' and allocate_id.prefix ~ '^[A-Z][A-Z0-9]{0,31}$'
      and coalesce(allocate_id.after_number, 0) between 0 and 999999999) is not true then
    return private.refuse(allocate_id.team, 'allocate_id', '22023',
      'a prefix is up to 32 capital letters and digits, a kind matches ^[a-z][a-z0-9_-]{0,31}$, and a number '
      'has at most nine digits', null, left(allocate_id.kind, 200), left(allocate_id.prefix, 200));
  end if;
  -- Tombstones stay in this table, so what was deleted is taken as well. Longer numbers are no counting.
  select coalesce(max(n.digits::bigint), 0), coalesce(max(length(n.digits)), 3) into taken, width
  from (select substr(a.id, length(head) + 1) as digits from public.artifacts a
        where a.team_id = allocate_id.team and a.kind = allocate_id.kind and starts_with(a.id, head)) n
  where n.digits ~ '^[0-9]{1,9}$';
  insert into private.id_counters as c (team_id, kind, prefix, last_number)
  values (allocate_id.team, allocate_id.kind, allocate_id.prefix,
    greatest(taken, coalesce(allocate_id.after_number, 0)) + 1)
  on conflict (team_id, kind, prefix) do update
    set last_number = greatest(c.last_number, excluded.last_number - 1) + 1
  returning c.last_number into number;
  width := greatest(width, 3, length(number::text));
  id := head || lpad(number::text, width, '0');
  perform private.record(allocate_id.team, 'allocate_id', 'done', null, allocate_id.kind, id);
  return to_jsonb(id);
end $$;
revoke execute on function public.allocate_id(uuid, text, text, int) from public, anon;
grant execute on function public.allocate_id(uuid, text, text, int) to authenticated;
