using System.Diagnostics.Metrics;
using System.Net;
using Orchestrator.Telemetry.Prometheus;

namespace Orchestrator.Tests.Observability;

/// <summary>What is measured is what can be read, in both of Prometheus' texts.</summary>
public sealed class PrometheusTests : IDisposable
{
    private static readonly ProcessIdentity _self = new("test", "1.2.3", "node \"1\"\nof\\two");

    private readonly Meter _meter = new($"test.{Guid.NewGuid():N}");
    private readonly MetricsCollector _collector;

    public PrometheusTests() => _collector = new MetricsCollector(name => name == _meter.Name);

    public void Dispose()
    {
        _collector.Dispose();
        _meter.Dispose();
    }

    [Fact]
    public void What_net_calls_a_counter_and_falls_is_a_gauge()
    {
        using var collector = new MetricsCollector(name => name == "System.Runtime");
        var read = PrometheusReader.Read(PrometheusText.Write(collector, _self, Exposition.Text004), false);
        Assert.Equal("gauge", read["dotnet_thread_pool_queue_length"].Type);
        Assert.Equal("gauge", read["dotnet_thread_pool_thread_count"].Type);
        Assert.Equal("counter", read["dotnet_thread_pool_work_item_count_total"].Type);
    }

    [Theory]
    [InlineData(Exposition.Text004)]
    [InlineData(Exposition.OpenMetrics1)]
    public void Each_kind_of_instrument_is_read_as_it_was_measured(Exposition form)
    {
        var counter = _meter.CreateCounter<long>("shop.orders", "{order}", "Orders with a \\ and a\nnew line.");
        var bytes = _meter.CreateCounter<double>("shop.traffic", "By");
        var open = _meter.CreateUpDownCounter<int>("shop.open");
        _meter.CreateObservableGauge("shop.temperature", () => new Measurement<double>(-3.5, new KeyValuePair<string, object?>("room", "a")));
        _meter.CreateObservableCounter("shop.steps", () => 17L);
        var time = _meter.CreateHistogram<double>("shop.wait.time", "s", "Waiting.", null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.5, 1, 10] });
        counter.Add(2, new KeyValuePair<string, object?>("who", "an \"odd\" \\name\n"));
        counter.Add(3, new KeyValuePair<string, object?>("who", "an \"odd\" \\name\n"));
        counter.Add(1);
        bytes.Add(1.5);
        open.Add(5);
        open.Add(-7);
        foreach (var seconds in new[] { 0.1, 0.5, 0.7, 9, 100 }) time.Record(seconds);

        var isOpen = form == Exposition.OpenMetrics1;
        var read = PrometheusReader.Read(PrometheusText.Write(_collector, _self, form), isOpen);
        var suffix = isOpen ? "" : "_total";
        var orders = read["shop_orders" + suffix];
        Assert.Equal("counter", orders.Type);
        Assert.Equal("Orders with a \\ and a\nnew line.", orders.Help);
        Assert.Equal(5, orders.Samples.Single(s => s.Labels.GetValueOrDefault("who") == "an \"odd\" \\name\n").Value);
        Assert.Equal(1, orders.Samples.Single(s => s.Labels.Count == 0).Value);
        Assert.Equal(1.5, read["shop_traffic_bytes" + suffix].Samples.Single().Value);
        Assert.Equal(-2, read["shop_open"].Samples.Single().Value);
        Assert.Equal(-3.5, read["shop_temperature"].Samples.Single().Value);
        Assert.Equal(17, read["shop_steps" + suffix].Samples.Single().Value);
        var wait = read["shop_wait_time_seconds"];
        Assert.Equal("histogram", wait.Type);
        Assert.Equal([2, 3, 4, 5], wait.Samples.Where(s => s.Name.EndsWith("_bucket", StringComparison.Ordinal)).Select(s => s.Value));
        Assert.Equal(110.3, wait.Samples.Single(s => s.Name.EndsWith("_sum", StringComparison.Ordinal)).Value, 6);
        var about = read[isOpen ? "target" : "target_info"].Samples.Single();
        Assert.Equal("node \"1\"\nof\\two", about.Labels["service_instance_id"]);
    }

    [Fact]
    public void A_label_with_endless_values_is_bounded_and_no_count_is_lost()
    {
        var counter = _meter.CreateCounter<long>("endless");
        for (var i = 0; i < MetricsCollector.MostSeries * 2; i++) counter.Add(1, new KeyValuePair<string, object?>("id", i));
        var samples = PrometheusReader.Read(PrometheusText.Write(_collector, _self, Exposition.Text004), false)["endless_total"].Samples;
        Assert.Equal(MetricsCollector.MostSeries + 1, samples.Count);
        Assert.Equal(MetricsCollector.MostSeries * 2, samples.Sum(s => s.Value));
        Assert.Equal(MetricsCollector.MostSeries, samples.Single(s => s.Labels.ContainsKey("otel_metric_overflow")).Value);
    }

    [Fact]
    public void What_an_observed_instrument_no_longer_says_is_gone()
    {
        var rooms = new List<string> { "a", "b" };
        _meter.CreateObservableGauge("rooms", () => rooms.Select(r => new Measurement<int>(1, new KeyValuePair<string, object?>("room", r))));
        Assert.Equal(2, PrometheusReader.Read(PrometheusText.Write(_collector, _self, Exposition.Text004), false)["rooms"].Samples.Count);
        rooms.Remove("a");
        Assert.Equal("b", PrometheusReader.Read(PrometheusText.Write(_collector, _self, Exposition.Text004), false)["rooms"]
            .Samples.Single().Labels["room"]);
    }

    [Fact]
    public void An_instrument_that_throws_takes_no_other_with_it()
    {
        _meter.CreateObservableGauge("broken", int () => throw new InvalidOperationException("planted"));
        _meter.CreateObservableGauge("sound", () => 1);
        var read = PrometheusReader.Read(PrometheusText.Write(_collector, _self, Exposition.Text004), false);
        Assert.Equal(1, read["sound"].Samples.Single().Value);
        Assert.Equal(1, read["orchestrator_metrics_failures_total"].Samples.Single().Value);
        Assert.DoesNotContain("broken", read.Keys);
    }

    [Fact]
    public async Task Many_threads_lose_no_count()
    {
        var counter = _meter.CreateCounter<long>("crowd");
        await Task.WhenAll(Enumerable.Range(0, 8).Select(n => Task.Run(() =>
        {
            for (var i = 0; i < 10_000; i++) counter.Add(1, new KeyValuePair<string, object?>("n", n % 2));
        })));
        var read = PrometheusReader.Read(PrometheusText.Write(_collector, _self, Exposition.Text004), false);
        Assert.Equal([40_000, 40_000], read["crowd_total"].Samples.Select(s => s.Value));
    }

    [Theory]
    [InlineData("", Exposition.Text004)]
    [InlineData("*/*", Exposition.Text004)]
    [InlineData("text/plain;version=0.0.4", Exposition.Text004)]
    [InlineData("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", Exposition.OpenMetrics1)]
    [InlineData("application/openmetrics-text;version=1.0.0;q=0.2,text/plain;q=0.9", Exposition.Text004)]
    [InlineData("application/openmetrics-text;version=0.0.1", Exposition.Text004)]
    public void The_reader_gets_the_text_that_it_asks_for(string accept, Exposition expected) =>
        Assert.Equal(expected, PrometheusText.Wanted(accept));

    [Theory]
    [InlineData("127.0.0.1", "", true)]
    [InlineData("::ffff:127.0.0.9", "", true)]
    [InlineData("10.1.2.3", "", false)]
    [InlineData("10.1.2.3", "Bearer secret", true)]
    [InlineData("10.1.2.3", "Bearer Secret", false)]
    [InlineData("10.1.2.3", "Basic secret", false)]
    [InlineData("10.1.2.3", "Bearer ", false)]
    public void Only_named_networks_and_the_token_open_the_door(string client, string authorization, bool expected) =>
        Assert.Equal(expected, MetricsAccess.Of(["127.0.0.0/8", "::1/128"], "secret\n").Lets(IPAddress.Parse(client), authorization));

    [Fact]
    public void Without_a_token_no_token_opens_the_door() => Assert.False(
        MetricsAccess.Of(["127.0.0.0/8"], " \n").Lets(IPAddress.Parse("10.0.0.1"), "Bearer "));

    [Fact]
    public void The_reader_of_these_tests_refuses_what_is_wrong()
    {
        string[] wrong =
        [
            "# TYPE a counter\na_total 1", "# TYPE a counter\na 1\n", "# TYPE a_total counter\na_total 1\na_total 1\n",
            "# TYPE a gauge\n", "a 1\n", "# TYPE a gauge\na{b=\"\\q\"} 1\n", "# TYPE a gauge\na{b=\"1\",b=\"2\"} 1\n",
            "# TYPE a gauge\na{b-c=\"1\"} 1\n", "# TYPE a gauge\na one\n", "# TYPE a gauge\nb 1\n",
            "# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n",
            "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n",
        ];
        Assert.All(wrong, text => Assert.Throws<FormatException>(() => PrometheusReader.Read(text, open: false)));
        Assert.Throws<FormatException>(() => PrometheusReader.Read("# TYPE a gauge\na 1\n", open: true));
    }
}
