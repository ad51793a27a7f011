using System.Globalization;
using System.Text;
using Akka.Actor;

namespace Akka.Configuration;

/// <summary>Reads HOCON: comments, nested objects, dotted keys, lists, concatenation, += and references.
/// Errors are <see cref="ConfigurationException"/> with line and column. Include is not supported.</summary>
internal sealed class HoconParser
{
    private readonly string _text;
    private readonly List<string> _path = [];
    private int _at;

    private HoconParser(string text) => _text = text;

    public static HoconNode.Tree Parse(string text)
    {
        var parser = new HoconParser(text);
        parser.SkipBlank();
        HoconNode.Tree tree = new();
        if (parser.Peek() == '{')
        {
            parser._at++;
            parser.Fields(tree, tree, '}');
            parser.SkipBlank();
            if (parser._at < text.Length) throw parser.Error($"'{parser.Peek()}' after the end of the configuration");
        }
        else
        {
            parser.Fields(tree, tree, '\0');
        }
        return tree;
    }

    private void Fields(HoconNode.Tree root, HoconNode.Tree into, char end)
    {
        while (true)
        {
            SkipSeparators();
            if (Peek() == end)
            {
                if (end != '\0') _at++;
                else if (_at < _text.Length) throw Error("a stray NUL character");
                return;
            }
            if (_at >= _text.Length) throw Error($"the text ends before '{end}'");
            Field(root, into);
            SkipSpaces();
            if (Peek() is not (',' or '\n' or '\r' or '#' or '\0') && Peek() != end && !AtComment())
                throw Error($"expected a new line, ',' or the end of the object, found '{Peek()}'");
        }
    }

    private void Field(HoconNode.Tree root, HoconNode.Tree into)
    {
        var keys = Key();
        SkipSpaces();
        var append = false;
        if (Peek() == '+' && PeekAt(1) == '=')
        {
            append = true;
            _at += 2;
        }
        else if (Peek() is ':' or '=')
        {
            _at++;
        }
        else
        {
            var afterKey = _at;
            SkipBlank();
            if (Peek() != '{') throw ErrorAt(afterKey, $"expected ':', '=', '+=' or '{{' after the key \"{string.Join('.', keys)}\"");
        }
        var depth = _path.Count;
        _path.AddRange(keys);
        var owner = into;
        foreach (var key in keys[..^1])
        {
            if (owner.Fields.GetValueOrDefault(key) is not HoconNode.Tree inner)
            {
                inner = new HoconNode.Tree();
                owner.Set(key, inner);
            }
            owner = inner;
        }
        var before = owner.Fields.GetValueOrDefault(keys[^1]);
        var value = Value(root, before);
        if (append)
        {
            value = new HoconNode.Joined([before ?? new HoconNode.Sequence([]), new HoconNode.Sequence([value])]);
        }
        owner.Set(keys[^1], (before, value) switch
        {
            (HoconNode.Tree low, HoconNode.Tree high) => HoconNode.Merge(low, high),
            ({ } low, HoconNode.Tree high) when low is HoconNode.Reference or HoconNode.Joined or HoconNode.Over =>
                new HoconNode.Over(low, high),
            ({ } low, HoconNode.Reference or HoconNode.Joined) when !append => new HoconNode.Over(low, value),
            _ => value,
        });
        _path.RemoveRange(depth, _path.Count - depth);
    }

    private List<string> Key()
    {
        List<string> keys = [];
        var part = new StringBuilder();
        var quoted = false;
        while (true)
        {
            var c = Peek();
            if (c == '"')
            {
                part.Append(Quoted());
                quoted = true;
            }
            else if (c == '.')
            {
                keys.Add(Part());
                _at++;
            }
            else if (c is ' ' or '\t')
            {
                var start = _at;
                SkipSpaces();
                if (Peek() is ':' or '=' or '{' or '+' or '\n' or '\r' or '\0') break;
                part.Append(_text, start, _at - start);
            }
            else if (c is ':' or '=' or '{' or '\n' or '\r' or '\0' || (c == '+' && PeekAt(1) == '=') || AtComment())
            {
                break;
            }
            else if ("}[],$\"^?!@*&\\`".Contains(c))
            {
                throw Error($"'{c}' must be quoted in a key");
            }
            else
            {
                part.Append(c);
                _at++;
            }
        }
        keys.Add(Part());
        return keys;

        string Part()
        {
            if (part.Length == 0 && !quoted) throw Error("a key is missing here");
            var text = part.ToString();
            part.Clear();
            quoted = false;
            return text;
        }
    }

    private HoconNode Value(HoconNode.Tree root, HoconNode? before)
    {
        SkipBlankBeforeValue();
        List<HoconNode> parts = [];
        var blank = "";
        while (true)
        {
            var start = _at;
            SkipSpaces();
            blank = _text[start.._at];
            var c = Peek();
            if (c is ',' or '}' or ']' or '\n' or '\r' or '\0' || AtComment()) break;
            HoconNode part = c switch
            {
                '{' => Object(root),
                '[' => List(root),
                '"' => new HoconNode.Scalar(Quoted(), quoted: true),
                '$' when PeekAt(1) == '{' => Reference(before),
                _ => new HoconNode.Scalar(Unquoted(), quoted: false),
            };
            if (parts.Count > 0 && blank.Length > 0 && part is not (HoconNode.Tree or HoconNode.Sequence)
                && parts[^1] is not (HoconNode.Tree or HoconNode.Sequence))
            {
                parts.Add(new HoconNode.Scalar(blank, quoted: true));
            }
            parts.Add(part);
        }
        if (parts.Count == 0) throw Error("a value is missing here");
        return parts.Count == 1 ? parts[0]
            : parts.TrueForAll(part => part is HoconNode.Scalar)
                ? new HoconNode.Scalar(string.Concat(parts.Cast<HoconNode.Scalar>().Select(s => s.Text)), quoted: true)
                : new HoconNode.Joined(parts);
    }

    private HoconNode.Tree Object(HoconNode.Tree root)
    {
        _at++;
        var tree = new HoconNode.Tree();
        Fields(root, tree, '}');
        return tree;
    }

    private HoconNode.Sequence List(HoconNode.Tree root)
    {
        _at++;
        List<HoconNode> items = [];
        while (true)
        {
            SkipSeparators();
            if (Peek() == ']')
            {
                _at++;
                return new HoconNode.Sequence(items);
            }
            if (_at >= _text.Length) throw Error("the text ends before ']'");
            items.Add(Value(root, null));
            SkipSpaces();
            if (Peek() is not (',' or '\n' or '\r' or ']') && !AtComment())
                throw Error($"expected ',' or ']' in a list, found '{(_at < _text.Length ? Peek() : "the end")}'");
        }
    }

    private HoconNode.Reference Reference(HoconNode? before)
    {
        var place = Here();
        var own = string.Join('.', _path);
        _at += 2;
        var optional = Peek() == '?';
        if (optional) _at++;
        var end = _text.IndexOf('}', _at);
        if (end < 0) throw Error("the text ends before '}' of a reference");
        var path = _text[_at..end].Trim();
        if (path.Length == 0 || path.Contains('\n')) throw Error("a reference names a path: ${a.b} or ${?a.b}");
        _at = end + 1;
        return new HoconNode.Reference(path, optional, place, path == own ? before : null);
    }

    private string Quoted()
    {
        if (PeekAt(1) == '"' && PeekAt(2) == '"')
        {
            var start = _at + 3;
            var end = _text.IndexOf("\"\"\"", start, StringComparison.Ordinal);
            if (end < 0) throw Error("the text ends before the closing \"\"\"");
            while (end + 3 < _text.Length && _text[end + 3] == '"') end++;
            _at = end + 3;
            return _text[start..end];
        }
        var opening = Here();
        _at++;
        var text = new StringBuilder();
        while (true)
        {
            if (_at >= _text.Length || Peek() is '\n' or '\r')
                throw new ConfigurationException($"Invalid configuration at {opening}: the string is not closed");
            var c = _text[_at++];
            if (c == '"') return text.ToString();
            if (c != '\\')
            {
                text.Append(c);
                continue;
            }
            var escaped = Peek();
            _at++;
            text.Append(escaped switch
            {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'b' => '\b',
                'f' => '\f',
                '"' or '\\' or '/' => escaped,
                'u' when _at + 4 <= _text.Length && int.TryParse(
                    _text.AsSpan(_at, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var code) => Unicode(code),
                _ => throw Error($"unknown escape '\\{escaped}'"),
            });
        }
    }

    private char Unicode(int code)
    {
        _at += 4;
        return (char)code;
    }

    private string Unquoted()
    {
        var start = _at;
        while (_at < _text.Length && !AtComment() && !"{}[],\"\n\r\t $".Contains(_text[_at])) _at++;
        if (_at == start) throw Error($"'{Peek()}' must be quoted in a value");
        return _text[start.._at];
    }

    private char Peek() => PeekAt(0);

    private char PeekAt(int ahead) => _at + ahead < _text.Length ? _text[_at + ahead] : '\0';

    private bool AtComment() => Peek() == '#' || (Peek() == '/' && PeekAt(1) == '/');

    private void SkipSpaces()
    {
        while (Peek() is ' ' or '\t' or '\uFEFF' or '\u00A0') _at++;
    }

    private void SkipBlank()
    {
        while (_at < _text.Length)
        {
            if (AtComment())
            {
                while (_at < _text.Length && Peek() != '\n') _at++;
            }
            else if (char.IsWhiteSpace(Peek()) || Peek() == '\uFEFF')
            {
                _at++;
            }
            else
            {
                return;
            }
        }
    }

    private void SkipBlankBeforeValue() => SkipBlank();

    private void SkipSeparators()
    {
        SkipBlank();
        while (Peek() == ',')
        {
            _at++;
            SkipBlank();
        }
    }

    private Place Here()
    {
        var line = 1;
        var start = 0;
        for (var i = 0; i < _at && i < _text.Length; i++)
        {
            if (_text[i] == '\n') (line, start) = (line + 1, i + 1);
        }
        return new Place(line, _at - start + 1);
    }

    private ConfigurationException ErrorAt(int at, string what)
    {
        _at = at;
        return Error(what);
    }

    private ConfigurationException Error(string what) => new($"Invalid configuration at {Here()}: {what}");
}
