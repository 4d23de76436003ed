-- Superseded by invitations: nobody is made a member without their consent. No role could call it any more.
drop function public.add_team_member(uuid, text, text);
