using System.Formats.Asn1;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Orchestrator.Api.Sso.Ldap;

/// <summary>An LDAP server said no, or something that is not LDAP.</summary>
/// <param name="code">RFC 4511's result code; -1 when it was no answer.</param>
public sealed class LdapException(int code, string message) : Exception(message)
{
    public const int InvalidCredentials = 49;

    public int Code { get; } = code;
}

/// <param name="Values">By the attribute's name in lower case.</param>
public sealed record LdapEntry(string Name, IReadOnlyDictionary<string, IReadOnlyList<string>> Values)
{
    public string First(string attribute) => All(attribute) is [var first, ..] ? first : "";

    public IReadOnlyList<string> All(string attribute) => Values.GetValueOrDefault(attribute.ToLowerInvariant(), []);
}

public enum LdapSafety { None, StartTls, Tls }

/// <summary>
/// One connection to an LDAP server, by RFC 4511 as far as a login needs it: StartTLS, simple bind, search. One question at a
/// time; whoever asks says how long he waits.
/// </summary>
public sealed class LdapLine : IAsyncDisposable
{
    private const int MaxMessage = 16 << 20;
    private const int MaxSeconds = 10;
    private const string StartTlsName = "1.3.6.1.4.1.1466.20037";
    private static readonly Asn1Tag _bind = Application(0), _bound = Application(1), _search = Application(3), _entry = Application(4);
    private static readonly Asn1Tag _searched = Application(5), _extended = Application(23), _extendedAnswer = Application(24);
    private readonly TcpClient _socket;
    private Stream _stream;
    private int _last;

    private LdapLine(TcpClient socket, Uri server) => (_socket, _stream, Server) = (socket, socket.GetStream(), server);

    public Uri Server { get; }

    /// <param name="authorities">Whose certificates are believed; empty: those of the machine.</param>
    public static async Task<LdapLine> Open(
        Uri server, LdapSafety safety, X509Certificate2Collection authorities, CancellationToken cancel)
    {
        var port = server.Port > 0 ? server.Port : safety == LdapSafety.Tls ? 636 : 389;
        var socket = new TcpClient { NoDelay = true };
        try
        {
            await socket.ConnectAsync(server.Host, port, cancel);
            var line = new LdapLine(socket, server);
            if (safety == LdapSafety.StartTls) await line.StartTls(cancel);
            if (safety != LdapSafety.None) await line.Encrypt(server.Host, authorities, cancel);
            return line;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>False: the name or the password is wrong.</summary>
    public async Task<bool> Bind(string name, string password, CancellationToken cancel)
    {
        // A server takes a name with an empty password for an anonymous bind, and says yes to anybody.
        if (password.Length == 0 && name.Length > 0) return false;
        await Send(to =>
        {
            using var request = to.PushSequence(_bind);
            to.WriteInteger(3);
            to.WriteOctetString(Encoding.UTF8.GetBytes(name));
            to.WriteOctetString(Encoding.UTF8.GetBytes(password), new Asn1Tag(TagClass.ContextSpecific, 0));
        }, cancel);
        var (code, text) = Result(await Receive(cancel), _bound);
        return code == 0 || (code == LdapException.InvalidCredentials ? false : throw new LdapException(code, text));
    }

    /// <param name="most">Entries that are wanted; the server stops there.</param>
    public async Task<IReadOnlyList<LdapEntry>> Search(
        string below, LdapFilter filter, IReadOnlyList<string> attributes, int most, CancellationToken cancel)
    {
        const int WholeTree = 2, NoAliases = 0, SizeLimitExceeded = 4, NoSuchObject = 32;
        await Send(to =>
        {
            using var request = to.PushSequence(_search);
            to.WriteOctetString(Encoding.UTF8.GetBytes(below));
            WriteEnumerated(to, WholeTree);
            WriteEnumerated(to, NoAliases);
            to.WriteInteger(most);
            to.WriteInteger(MaxSeconds);
            to.WriteBoolean(false);
            filter.Write(to);
            using (to.PushSequence())
                foreach (var attribute in attributes)
                    to.WriteOctetString(Encoding.UTF8.GetBytes(attribute));
        }, cancel);
        var entries = new List<LdapEntry>();
        while (true)
        {
            var answer = await Receive(cancel);
            var tag = answer.PeekTag();
            if (tag == _entry)
            {
                entries.Add(ReadEntry(answer));
                continue;
            }

            if (tag != _searched) continue;
            var (code, text) = Result(answer, _searched);
            return code is 0 or SizeLimitExceeded or NoSuchObject ? entries : throw new LdapException(code, text);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _socket.Dispose();
    }

    private async Task StartTls(CancellationToken cancel)
    {
        await Send(to =>
        {
            using var request = to.PushSequence(_extended);
            to.WriteOctetString(Encoding.ASCII.GetBytes(StartTlsName), new Asn1Tag(TagClass.ContextSpecific, 0));
        }, cancel);
        var (code, text) = Result(await Receive(cancel), _extendedAnswer);
        if (code != 0) throw new LdapException(code, $"StartTLS was refused: {text}");
    }

    private async Task Encrypt(string host, X509Certificate2Collection authorities, CancellationToken cancel)
    {
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = host,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        };
        if (authorities.Count > 0)
        {
            options.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            options.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
        }

        var encrypted = new SslStream(_stream);
        await encrypted.AuthenticateAsClientAsync(options, cancel);
        _stream = encrypted;
    }

    private async Task Send(Action<AsnWriter> operation, CancellationToken cancel)
    {
        var to = new AsnWriter(AsnEncodingRules.BER);
        using (to.PushSequence())
        {
            to.WriteInteger(++_last);
            operation(to);
        }

        await _stream.WriteAsync(to.Encode(), cancel);
        await _stream.FlushAsync(cancel);
    }

    /// <summary>The operation of the next message that answers the last question.</summary>
    private async Task<AsnReader> Receive(CancellationToken cancel)
    {
        while (true)
        {
            var message = new AsnReader(await ReadMessage(cancel), AsnEncodingRules.BER).ReadSequence();
            if (!message.TryReadInt32(out var id)) throw new LdapException(-1, "the server's answer has no number");
            // 0: it says that it is going away.
            if (id == 0) throw new LdapException(-1, "the server ended the connection");
            if (id == _last) return message;
        }
    }

    private async Task<ReadOnlyMemory<byte>> ReadMessage(CancellationToken cancel)
    {
        var head = new byte[6];
        await _stream.ReadExactlyAsync(head.AsMemory(0, 2), cancel);
        var (length, more) = ((int)head[1], 0);
        if (length >= 0x80)
        {
            more = length & 0x7f;
            if (more is 0 or > 4) throw new LdapException(-1, "the server's answer is not LDAP");
            await _stream.ReadExactlyAsync(head.AsMemory(2, more), cancel);
            length = 0;
            for (var at = 0; at < more; at++) length = (length << 8) | head[2 + at];
        }

        if (head[0] != 0x30 || length is < 0 or > MaxMessage) throw new LdapException(-1, "the server's answer is not LDAP");
        var message = new byte[2 + more + length];
        head.AsSpan(0, 2 + more).CopyTo(message);
        await _stream.ReadExactlyAsync(message.AsMemory(2 + more), cancel);
        return message;
    }

    private static (int Code, string Text) Result(AsnReader message, Asn1Tag tag)
    {
        if (message.PeekTag() != tag) throw new LdapException(-1, "the server answered something else");
        var result = message.ReadSequence(tag);
        var code = (int)(byte)result.ReadEnumeratedBytes().Span[^1];
        result.ReadOctetString();
        return (code, $"{Encoding.UTF8.GetString(result.ReadOctetString())} (LDAP result {code})".Trim());
    }

    private static LdapEntry ReadEntry(AsnReader message)
    {
        var entry = message.ReadSequence(_entry);
        var name = Encoding.UTF8.GetString(entry.ReadOctetString());
        var values = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        var attributes = entry.ReadSequence();
        while (attributes.HasData)
        {
            var attribute = attributes.ReadSequence();
            var of = Encoding.UTF8.GetString(attribute.ReadOctetString()).ToLowerInvariant();
            var set = attribute.ReadSetOf(skipSortOrderValidation: true);
            var all = new List<string>();
            while (set.HasData) all.Add(Encoding.UTF8.GetString(set.ReadOctetString()));
            values[of] = all;
        }

        return new LdapEntry(name, values);
    }

    private static Asn1Tag Application(int number) => new(TagClass.Application, number, isConstructed: true);

    private static void WriteEnumerated(AsnWriter to, byte value) => to.WriteEncodedValue([0x0a, 1, value]);
}
