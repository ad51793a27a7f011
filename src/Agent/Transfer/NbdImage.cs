using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;

namespace Orchestrator.Agent.Transfer;

/// <summary>
/// What a guest would see of an image, by a qemu-nbd of its own. It ends when the last connection to it does, also when
/// this agent is killed, and has written everything by then.
/// </summary>
internal sealed class NbdImage : IOpenImage
{
    private const int Connections = 8;
    private const long LongestZero = 1L << 30;
    private readonly string _socket;
    private readonly Process _server;

    /// <summary>Keeps the server; nothing is asked over it.</summary>
    private readonly NbdConnection _first;
    private readonly bool _sparse;
    private readonly ConcurrentBag<NbdConnection> _idle = [];
    private readonly SemaphoreSlim _free = new(Connections);

    private NbdImage(string socket, Process server, NbdConnection first, bool sparse)
    {
        (_socket, _server, _first, _sparse) = (socket, server, first, sparse);
    }

    public long Size => _first.Size;

    public long Limit => _first.Size;

    /// <param name="socket">A path where none is yet.</param>
    /// <exception cref="IOException">The image cannot be opened, and why.</exception>
    public static async Task<NbdImage> Open(
        string path, string format, bool write, bool sparse, string socket, CancellationToken cancel, string qemuNbd = "/usr/bin/qemu-nbd")
    {
        File.Delete(socket);
        List<string> words = ["--socket", socket, "--shared", (Connections + 2).ToString(System.Globalization.CultureInfo.InvariantCulture)];
        if (write)
            words.AddRange([
                "--format", format, "--cache", "writeback", "--discard", sparse ? "unmap" : "ignore",
                "--detect-zeroes", sparse ? "unmap" : "off", path,
            ]);
        else
            // A guest that starts while somebody still reads an old copy of it must not be held up by that.
            words.AddRange(["--read-only", "--image-opts", $"driver={format},force-share=on,file.driver=file,file.filename={path.Replace(",", ",,", StringComparison.Ordinal)}"]);
        var server = Process.Start(new ProcessStartInfo(qemuNbd, words) { RedirectStandardError = true })
            ?? throw new IOException($"{qemuNbd} could not be started");
        var errors = server.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            while (true)
            {
                if (server.HasExited) throw new IOException((await errors).Trim());
                try
                {
                    return new NbdImage(socket, server, await NbdConnection.Open(socket, extents: false, cancel), sparse);
                }
                catch (System.Net.Sockets.SocketException)
                {
                    await Task.Delay(10, cancel);
                }
            }
        }
        catch
        {
            if (!server.HasExited) server.Kill();
            server.Dispose();
            throw;
        }
    }

    public async ValueTask Read(Memory<byte> into, long offset, CancellationToken cancel) =>
        await With(c => c.Read(into, offset, cancel), cancel);

    public async ValueTask Write(ReadOnlyMemory<byte> bytes, long offset, CancellationToken cancel) =>
        await With(c => c.Write(bytes, offset, cancel), cancel);

    public async ValueTask Zero(long offset, long length, CancellationToken cancel)
    {
        for (long done = 0; done < length;)
        {
            var (at, part) = (offset + done, Math.Min(LongestZero, length - done));
            await With(c => c.Zero(at, (uint)part, _sparse, cancel), cancel);
            done += part;
        }
    }

    public async ValueTask Flush(CancellationToken cancel) => await With(c => c.Flush(cancel), cancel);

    public async ValueTask<ImmutableArray<Extent>> Extents(CancellationToken cancel)
    {
        using var connection = await NbdConnection.Open(_socket, extents: true, cancel);
        var all = ImmutableArray.CreateBuilder<Extent>();
        for (long at = 0; at < Size;)
        {
            var some = await connection.Extents(at, (uint)Math.Min(LongestZero, Size - at), cancel);
            if (some.IsEmpty) throw new IOException("the image's extents end early");
            foreach (var one in some)
            {
                var extent = one with { Length = Math.Min(one.Length, Size - one.Start) };
                Extent.Add(all, extent);
                at = extent.Start + extent.Length;
            }
        }

        return all.ToImmutable();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in _idle) connection.Dispose();
        _first.Dispose();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            await _server.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _server.Kill();
        }

        _server.Dispose();
        _free.Dispose();
        File.Delete(_socket);
    }

    /// <summary>A connection whose request was broken off is not used again.</summary>
    private async ValueTask With(Func<NbdConnection, ValueTask> use, CancellationToken cancel)
    {
        await _free.WaitAsync(cancel);
        NbdConnection? connection = null;
        try
        {
            if (!_idle.TryTake(out connection)) connection = await NbdConnection.Open(_socket, extents: false, cancel);
            await use(connection);
            _idle.Add(connection);
        }
        catch
        {
            connection?.Dispose();
            throw;
        }
        finally
        {
            _free.Release();
        }
    }
}
