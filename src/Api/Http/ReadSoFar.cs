using Orchestrator.Actors.Journal;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Api.Http;

/// <summary>What one GET has read already: with follow it meets the same documents again and again.</summary>
public sealed class ReadSoFar(KnownViews known)
{
    private readonly Dictionary<(string Kind, Guid Id), Document?> _documents = [];
    private readonly Dictionary<(string Kind, Guid Id), object> _views = [];

    /// <summary>By VM; null: nothing was seen of it.</summary>
    public Dictionary<Guid, GuestObservation?> Guests { get; } = [];

    public bool Has(string kind, Guid id) => _documents.ContainsKey((kind, id));

    public Document? Document(string kind, Guid id) => _documents[(kind, id)];

    public void Keep(string kind, Guid id, Document? document)
    {
        _documents[(kind, id)] = document;
        _views.Remove((kind, id));
    }

    /// <summary>The document of this kind and id, taken apart once.</summary>
    public TView View<TView>(Document document) where TView : notnull
    {
        var key = (document.Kind, document.Id);
        if (_views.TryGetValue(key, out var before) && before is TView view) return view;
        view = known.Read<TView>(document);
        _views[key] = view;
        return view;
    }
}
