using Orchestrator.Api.Catalogue;

namespace Orchestrator.Tests.Api;

/// <summary>The catalogue in memory, one change after the other.</summary>
public sealed class FakeCatalogue : ICatalogue, IDisposable
{
    private readonly SemaphoreSlim _alone = new(1);
    private readonly HashSet<string> _macs = [];
    private Dictionary<(string, Guid), CatalogueItem> _items = [];

    public void Dispose() => _alone.Dispose();

    public string Fingerprint() => string.Join('|', _items.Values.Select(item => item.ToString()).Order());

    public Task<CatalogueItem?> Get(string kind, Guid id, CancellationToken cancel) => new Writing(_items).Get(kind, id, cancel);

    public Task<IReadOnlyList<CatalogueItem>> List(string kind, Guid? parent, CancellationToken cancel) =>
        new Writing(_items).List(kind, parent, cancel);

    public async Task<T> Change<T>(Func<ICatalogueWriting, Task<T>> work, CancellationToken cancel)
    {
        await _alone.WaitAsync(cancel);
        try
        {
            var items = new Dictionary<(string, Guid), CatalogueItem>(_items);
            var result = await work(new Writing(items));
            _items = items;
            return result;
        }
        finally
        {
            _alone.Release();
        }
    }

    public Task<string?> TakeMac(IReadOnlyList<MacRange> ranges, CancellationToken cancel)
    {
        foreach (var range in ranges)
            for (var mac = range.From; mac <= range.To; mac++)
                if (_macs.Add(MacRange.Text(mac))) return Task.FromResult<string?>(MacRange.Text(mac));
        return Task.FromResult<string?>(null);
    }

    public Task KeepMac(string mac, CancellationToken cancel)
    {
        _macs.Add(mac);
        return Task.CompletedTask;
    }

    private sealed class Writing(Dictionary<(string, Guid), CatalogueItem> items) : ICatalogueWriting
    {
        public Task<CatalogueItem?> Get(string kind, Guid id, CancellationToken cancel) => Task.FromResult(items.GetValueOrDefault((kind, id)));

        public Task<IReadOnlyList<CatalogueItem>> List(string kind, Guid? parent, CancellationToken cancel) =>
            Task.FromResult<IReadOnlyList<CatalogueItem>>([.. items.Values
                .Where(item => item.Kind == kind && (parent is null || item.Parent == parent)).OrderBy(item => item.Name, StringComparer.Ordinal)]);

        public Task Put(CatalogueItem item, CancellationToken cancel)
        {
            Assert.DoesNotContain(items.Values, other =>
                (other.Kind, other.Parent, other.Name) == (item.Kind, item.Parent, item.Name) && other.Id != item.Id);
            items[(item.Kind, item.Id)] = item;
            return Task.CompletedTask;
        }

        public Task Remove(string kind, Guid id, CancellationToken cancel)
        {
            items.Remove((kind, id));
            return Task.CompletedTask;
        }
    }
}
