-- Reading a state, with fewer steps for each line: the same rules.

create or replace function private.keyed_state(content text) returns text
language plpgsql immutable strict parallel safe set search_path = '' as $$
declare
  value text := substring(content from
    '^[ \t\v\f]*[*_`]*[sS][tT][aA][tT](?:[eE]|[uU][sS])[*_`]*[ \t\v\f]*:(.*)$');
  bare text;
begin
  if value is null then
    return null; -- as most lines
  end if;
  bare := ltrim(value, '*_`');
  -- Emphasis that ends behind the colon leaves its closing signs at the head of the value.
  if bare = '' or bare ~ '^[ \t\v\f]' or length(bare) < length(value) then
    return bare;
  end if;
  return null;
end $$;

create or replace function private.markdown_state(lines text[]) returns text
language plpgsql immutable strict parallel safe set search_path = '' as $$
declare
  space constant text := E' \t\x0b\f';
  -- A heading that says no other word.
  title constant text := '^[^0-9A-Za-z\u00c0-\u1fff\u2c00-\ud7ff]*[sS][tT][aA][tT]([eE]|[uU][sS])'
    '[^0-9A-Za-z\u00c0-\u1fff\u2c00-\ud7ff]*$';
  line text;
  body int := 1;              -- where the front matter has ended
  fence text;                 -- the sign of the open code block, and how many of them
  fence_length int;
  in_head boolean := true;    -- before the first heading of level two and below
  section int;                -- the level of the state's section, while nothing was found in it
  heading text;
  content text;
  is_item boolean;
  keyed text;
  said text;
  of_section text;
  of_body text;
begin
  if rtrim(lines[1], space) = '---' then
    for n in 2 .. coalesce(array_length(lines, 1), 1) loop
      line := rtrim(lines[n], space);
      if line in ('---', '...') then
        said := private.yaml_state(lines[1:n]);
        if said is not null then
          return said;
        end if;
        body := n + 1;
        exit;
      end if;
      -- A rule at the head of a text has a blank line after it; front matter does not.
      exit when n = 2 and line = '';
    end loop;
  end if;

  for n in body .. coalesce(array_length(lines, 1), 0) loop
    line := lines[n];
    -- Most lines can be passed over at once.
    continue when line = '' or section is null and line !~ '[sS][tT][aA][tT]|#|```|~~~';
    if fence is not null then
      content := ltrim(line, space || '>');
      said := ltrim(content, fence);
      if length(content) - length(said) >= fence_length and btrim(said, space) = '' then
        fence := null;
      end if;
      continue;
    end if;
    if (strpos(line, '```') > 0 or strpos(line, '~~~') > 0)
      and line ~ '^[ \t\v\f>]*(([-*+]|[0-9]{1,9}[.)])[ \t]+)*(```|~~~)' then
      content := substring(line from '(?:```|~~~).*$');
      fence := left(content, 1);
      said := ltrim(content, fence);
      fence_length := length(content) - length(said);
      continue when fence = '~' or strpos(said, '`') = 0;
      fence := null;
    end if;
    continue when left(line, 1) in (' ', E'\t') and line ~ '^( {4}| {0,3}\t)';

    heading := case when left(ltrim(line, ' '), 1) = '#' then substring(line from '^ *(#{1,6})(?:[ \t\v\f]|$)') end;
    if heading is not null then
      in_head := in_head and heading = '#';
      if section >= length(heading) then
        section := null;
      end if;
    end if;
    content := ltrim(ltrim(ltrim(line, space), '#>'), space);
    is_item := content ~ '^[-*+][ \t]';
    if is_item then
      content := substr(content, 2);
    end if;
    keyed := private.keyed_state(content);
    said := case when keyed is not null then private.bare_state(keyed) end;
    if in_head and said is not null then
      return said;
    end if;
    if section is not null then
      of_section := private.bare_state(coalesce(keyed, content));
      if of_section is not null then
        section := null;
      end if;
    elsif of_section is null and heading is not null and line ~ title then
      section := length(heading);
    end if;
    if of_body is null and not is_item and not in_head then
      of_body := said;
    end if;
    exit when of_section is not null and not in_head;
  end loop;
  return coalesce(of_section, of_body);
end $$;
