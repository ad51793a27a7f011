using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;

namespace Orchestrator.Tests.Agent;

/// <summary>As much of a VNC client as shows whether a password is good.</summary>
internal sealed class VncClient(WebSocket socket)
{
    private readonly Queue<byte> _came = new();

    public async Task<string> Greeting() => Encoding.ASCII.GetString(await Read(12));

    /// <returns>Whether the server lets us in.</returns>
    public async Task<bool> Enter(string password)
    {
        if (await Greeting() != "RFB 003.008\n") throw new InvalidDataException("not RFB 3.8");
        await Say("RFB 003.008\n"u8.ToArray());
        var kinds = await Read((await Read(1))[0]);
        if (!kinds.Contains((byte)2)) throw new InvalidDataException($"no password is asked for: {Convert.ToHexString(kinds)}");
        await Say([2]);
        await Say(Answer(await Read(16), password));
        return BitConverter.ToUInt32(await Read(4)) == 0;
    }

    /// <summary>VNC's own use of DES: each byte of the key from its lowest bit.</summary>
    private static byte[] Answer(byte[] challenge, string password)
    {
        var key = new byte[8];
        for (var i = 0; i < Math.Min(8, password.Length); i++)
            for (var bit = 0; bit < 8; bit++)
                if ((password[i] & (1 << bit)) != 0) key[i] |= (byte)(0x80 >> bit);
#pragma warning disable CA5351 // what VNC asks for
        using var des = DES.Create();
#pragma warning restore CA5351
        des.Key = key;
        return des.EncryptEcb(challenge, PaddingMode.None);
    }

    private Task Say(byte[] bytes) => socket.SendAsync(bytes, WebSocketMessageType.Binary, true, CancellationToken.None);

    private async Task<byte[]> Read(int count)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var buffer = new byte[4096];
        while (_came.Count < count)
        {
            var read = await socket.ReceiveAsync(buffer, limit.Token);
            if (read.MessageType == WebSocketMessageType.Close)
                throw new EndOfStreamException($"{socket.CloseStatus} {socket.CloseStatusDescription}");
            foreach (var b in buffer.AsSpan(0, read.Count)) _came.Enqueue(b);
        }

        return [.. Enumerable.Range(0, count).Select(_ => _came.Dequeue())];
    }
}
