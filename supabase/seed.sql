-- Runs after the migrations on `supabase db reset`, on local databases only.
-- One team without members, so that Studio has something to show; nobody can read it through the
-- API until somebody is added to it.
insert into public.teams (id, name)
values ('00000000-0000-4000-8000-000000000001', 'Demo')
on conflict do nothing;
