using System.Globalization;
using System.Text;

namespace Akka.Event;

/// <summary>Fills the holes of a log line's text with its arguments.</summary>
public interface ILogMessageFormatter
{
    string Format(string format, params object[] args);

    string Format(string format, IEnumerable<object> args);
}

/// <summary>A text with holes, "{0}" or "{Name}", filled in order when somebody reads it.</summary>
public abstract class LogMessage
{
    private protected LogMessage(string format) => Format = format;

    public string Format { get; }

    public abstract IEnumerable<object> Parameters();
}

internal sealed class FilledMessage(ILogMessageFormatter formatter, string format, object[] args) : LogMessage(format)
{
    public override IEnumerable<object> Parameters() => args;

    public override string ToString() => formatter.Format(Format, args);
}

/// <summary>Holes are numbers or names; a name takes the argument whose turn it is. Doubled braces are braces.</summary>
internal sealed class HoleFormatter : ILogMessageFormatter
{
    public static HoleFormatter Instance { get; } = new();

    public string Format(string format, IEnumerable<object> args) => Format(format, args.ToArray());

    public string Format(string format, params object[] args)
    {
        if (args.Length == 0) return format;
        var text = new StringBuilder(format.Length + 32);
        var next = 0;
        for (var i = 0; i < format.Length; i++)
        {
            var c = format[i];
            if ((c is '{' or '}') && i + 1 < format.Length && format[i + 1] == c)
            {
                text.Append(c);
                i++;
                continue;
            }
            var end = c == '{' ? format.IndexOf('}', i) : -1;
            if (end < 0)
            {
                text.Append(c);
                continue;
            }
            var hole = format[(i + 1)..end];
            var colon = hole.IndexOf(':');
            var (name, how) = colon < 0 ? (hole, null) : (hole[..colon], hole[(colon + 1)..]);
            var index = int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : next;
            next++;
            var value = index < args.Length ? args[index] : format[i..(end + 1)];
            text.Append(value is IFormattable it ? it.ToString(how, CultureInfo.InvariantCulture) : value);
            i = end;
        }
        return text.ToString();
    }
}
