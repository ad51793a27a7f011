using System.Collections.Concurrent;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Api.Http;

/// <summary>Views of documents that this node has read lately: half the time of a long list goes into taking texts apart. One
/// counts only for the very text that the database has answered, so nothing old can be shown.</summary>
public sealed class KnownViews
{
    private const int Most = 4_000;
    private const int Longest = 32 * 1024;

    private readonly ConcurrentDictionary<(string Kind, Guid Id), Known> _views = [];
    private int _count;

    public TView Read<TView>(Document document) where TView : notnull
    {
        var key = (document.Kind, document.Id);
        if (_views.TryGetValue(key, out var known) && known.View is TView same && known.Json == document.Json) return same;
        var view = WireJson.Read<TView>(document.Json);
        if (document.Json.Length > Longest) return view;
        if (known is null && Interlocked.Increment(ref _count) > Most)
        {
            _views.Clear();
            Volatile.Write(ref _count, 1);
        }

        _views[key] = new Known(document.Json, view);
        return view;
    }

    private sealed record Known(string Json, object View);
}
