using System.Security.Cryptography;
using System.Text;

namespace Orchestrator.Actors;

/// <summary>Numbers of work that is the same whoever asks for it, and whenever.</summary>
internal static class WorkId
{
    public static Guid Of(string what) => new(SHA256.HashData(Encoding.UTF8.GetBytes(what)).AsSpan(0, 16));
}
