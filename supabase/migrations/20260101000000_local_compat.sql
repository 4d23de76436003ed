-- What every hosted project already has. Supabase Lite, which the development server embeds, does
-- not, so it is asked for here; each grant is made only where it is missing.
do $$
begin
  if not has_schema_privilege('authenticated', 'auth', 'usage') then
    -- Without it auth.uid() fails inside any policy.
    grant usage on schema auth to anon, authenticated, service_role;
  end if;
  if not has_schema_privilege('authenticated', 'public', 'usage')
    or not has_schema_privilege('service_role', 'public', 'usage') then
    grant usage on schema public to anon, authenticated, service_role;
  end if;
end $$;
