namespace Orchestrator.Engine.Remote;

/// <summary>
/// The near end of a pipe. It hides that the bytes go through TLS between two nodes: .NET's HTTP client takes an SslStream that
/// it is given for its own TLS, and would speak to the agent without any, in the clear for the node in the middle.
/// </summary>
internal sealed class PipeStream(NodeLine line) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => line.Stream.Read(buffer, offset, count);

    public override void Write(byte[] buffer, int offset, int count) => line.Stream.Write(buffer, offset, count);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        line.Stream.ReadAsync(buffer, cancellationToken);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        line.Stream.WriteAsync(buffer, cancellationToken);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush() => line.Stream.Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) => line.Stream.FlushAsync(cancellationToken);

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            line.Stream.Dispose();
            line.Client.Dispose();
        }

        base.Dispose(disposing);
    }
}
