-- Which contract this database keeps, so that a client can tell who of the two is older. A migration that a
-- client could notice raises it.
-- A database without this function is older than all that have it.
create function public.schema_version() returns int
language sql immutable parallel safe set search_path = '' as $$
  select 1
$$;
revoke execute on function public.schema_version() from public;
grant execute on function public.schema_version() to anon, authenticated;

-- The approval of what is deleted is not in force; that is false, not unknown.
create or replace function public.artifact_approvals(team uuid, kind text, id text) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.require_role(artifact_approvals.team);
  return (select jsonb_build_object('approvals', coalesce(jsonb_agg(jsonb_build_object(
      'version', a.version, 'content_hash', a.content_hash, 'state', a.state, 'approved_by', a.approved_by,
      'approver_name', m.display_name, 'approved_at', a.approved_at,
      'is_in_force', coalesce(c.content_hash = a.content_hash and c.state = a.state, false)
        and not exists (select from public.artifact_approvals newer where newer.team_id = a.team_id
          and newer.kind = a.kind and newer.id = a.id and newer.version > a.version))
    order by a.version desc), '[]'))
    from public.artifact_approvals a
    left join public.artifacts c on c.team_id = a.team_id and c.kind = a.kind and c.id = a.id
    left join public.team_members m on m.team_id = a.team_id and m.user_id = a.approved_by
    where a.team_id = artifact_approvals.team and a.kind = artifact_approvals.kind
      and a.id = artifact_approvals.id);
end $$;
