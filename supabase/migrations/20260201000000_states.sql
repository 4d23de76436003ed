-- Which state an artifact is in: read from its text, never taken from a client.
-- The same rules as server/core/src/artifact/state.rs, yaml.rs and parse.rs, which describe them;
-- tests/e2e/states.rs compares the two on generated texts. They go by lines and ASCII, so that they
-- mean the same in both languages and under every locale.

-- A state's name as states are compared: its leading words in upper case, joined by "_"; null if none.
create function private.state_name(value text) returns text
language plpgsql immutable strict parallel safe set search_path = '' as $$
declare
  name text := substring(btrim(value, E' \t\x0b\f\r\n') from '^[-A-Za-z_ \u00c0-\u1fff\u2c00-\ud7ff]*');
begin
  name := rtrim(split_part(name, ' -', 1), ' -_');
  -- Further words belong to the name only if they are written as names are.
  if name !~ '^[A-Z][^ ]*( [A-Z][^ ]*){0,2}$' then
    name := split_part(name, ' ', 1);
  end if;
  return nullif(translate(upper(name collate "C"), ' -', '__'), '');
end $$;

-- The value of the first of `state`, `status` that has one, where the lines are YAML.
create function private.yaml_state(lines text[]) returns text
language plpgsql immutable strict parallel safe set search_path = '' as $$
declare
  space constant text := E' \t\x0b\f\r\n';
  key text;
  line text;
  value text;
  in_block boolean;
begin
  foreach key in array array['^[sS][tT][aA][tT][eE]:', '^[sS][tT][aA][tT][uU][sS]:'] loop
    in_block := false;
    foreach line in array lines loop
      if in_block then
        continue when btrim(line, space) = '';
        value := case when line ~ '^[ \t]' then btrim(line, space) else '' end;
      elsif line ~ (key || '($|[ \t])') then
        value := btrim(substr(line, strpos(line, ':') + 1), space);
        if value ~ '^[|>]' then
          in_block := true;
          continue;
        end if;
        value := case left(value, 1)
          when '"' then substring(value from '^"([^"]*)"')
          when '''' then substring(value from '^''([^'']*)''')
          when '#' then null
          else nullif(rtrim(split_part(value, ' #', 1), space), '~')
        end;
      else
        continue;
      end if;
      if value <> '' then
        return value;
      end if;
      exit; -- the first such key counts, even if it says nothing
    end loop;
  end loop;
  return null;
end $$;

-- The value behind `state:` or `status:` in a line, emphasised or not; null if it says none.
create function private.keyed_state(content text) returns text
language plpgsql immutable strict parallel safe set search_path = '' as $$
declare
  value text := substring(content from
    '^[ \t\v\f]*[*_`]*[sS][tT][aA][tT](?:[eE]|[uU][sS])[*_`]*[ \t\v\f]*:(.*)$');
  bare text := ltrim(value, '*_`');
begin
  -- Emphasis that ends behind the colon leaves its closing signs at the head of the value.
  if bare = '' or bare ~ '^[ \t\v\f]' or length(bare) < length(value) then
    return bare;
  end if;
  return null;
end $$;

-- A value without the emphasis in and around it; null if nothing is left.
create function private.bare_state(value text) returns text
language sql immutable parallel safe as $$
  select case when value ~ '[0-9A-Za-z\u00c0-\u1fff\u2c00-\ud7ff]'
    then translate(btrim(value, E' \t\x0b\f\r\n*_`'), '*`', '') end
$$;

create function private.markdown_state(lines text[]) returns text
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
    continue when section is null and line !~ '[sS][tT][aA][tT]|#|```|~~~';
    if fence is not null then
      content := ltrim(line, space || '>');
      said := ltrim(content, fence);
      if length(content) - length(said) >= fence_length and btrim(said, space) = '' then
        fence := null;
      end if;
      continue;
    end if;
    if line ~ '^[ \t\v\f>]*(([-*+]|[0-9]{1,9}[.)])[ \t]+)*(```|~~~)' then
      content := substring(line from '(?:```|~~~).*$');
      fence := left(content, 1);
      said := ltrim(content, fence);
      fence_length := length(content) - length(said);
      continue when fence = '~' or strpos(said, '`') = 0;
      fence := null;
    end if;
    continue when line ~ '^( {4}| {0,3}\t)';

    heading := substring(line from '^ *(#{1,6})(?:[ \t\v\f]|$)');
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
    said := private.bare_state(private.keyed_state(content));
    if in_head and said is not null then
      return said;
    end if;
    if section is not null then
      of_section := private.bare_state(coalesce(private.keyed_state(content), content));
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

-- The state that an artifact's text says it is in, as states are compared; null when it says none, and
-- for a deletion. The path tells the format, as file names do.
create function private.state_of(content text, path text) returns text
language plpgsql immutable parallel safe set search_path = '' as $$
declare
  lines text[];
begin
  if content !~ '[sS][tT][aA][tT]([eE]|[uU][sS])' is not false then
    return null;
  end if;
  if left(content, 1) = U&'\FEFF' then
    content := substr(content, 2);
  end if;
  if strpos(content, E'\r') > 0 then
    content := replace(replace(content, E'\r\n', E'\n'), E'\r', E'\n');
  end if;
  lines := string_to_array(content, E'\n');
  return private.state_name(case when path ~ '\.[yY][aA]?[mM][lL]$'
    then private.yaml_state(lines) else private.markdown_state(lines) end);
end $$;

revoke execute on function private.state_name(text), private.yaml_state(text[]), private.keyed_state(text),
  private.bare_state(text), private.markdown_state(text[]), private.state_of(text, text)
  from public, anon;

-- What clients said until now.
update public.artifacts set state = private.state_of(content, path);
update public.artifact_history set state = private.state_of(content, path);
