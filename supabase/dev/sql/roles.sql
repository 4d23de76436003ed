-- The roles every Supabase project has. Roles belong to the whole cluster, and another server may be
-- starting on another database of it right now: losing that race is fine.
do $$
declare
  role record;
begin
  for role in
    select * from (values ('anon', 'nologin'), ('authenticated', 'nologin'),
      ('service_role', 'nologin bypassrls')) r (name, options)
  loop
    begin
      execute format('create role %I %s', role.name, role.options);
    exception when duplicate_object or unique_violation then null;
    end;
  end loop;
end $$;
