using System.Collections.Immutable;
using Microsoft.Extensions.Logging.Abstractions;
using Orchestrator.Agent;
using Orchestrator.Agent.Hooks;
using Orchestrator.Agent.Libvirt;

namespace Orchestrator.Tests.Agent;

/// <summary>An operator's scripts: who runs when, what they may change, and what becomes of one that fails.</summary>
public sealed class HookTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("orchestrator-hooks-").FullName;
    private readonly GuestKey _guest = new(Guid.NewGuid(), 5);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Scripts_run_in_the_order_of_their_names_and_each_sees_what_the_one_before_has_changed()
    {
        Script(HookPoint.BeforeVmStart, "20-second", "sed -i 's/one/two/' $_hook_domxml");
        Script(HookPoint.BeforeVmStart, "10-first", "sed -i 's/none/one/' $_hook_domxml");
        Script(HookPoint.AfterVmStart, "10-other", "exit 2");
        File.WriteAllText(Path.Combine(_folder, "before_vm_start", "README"), "no script");
        Assert.Equal("<domain>two</domain>", await Hooks().Before(HookPoint.BeforeVmStart, _guest, "<domain>none</domain>"));
        Assert.Equal(["before_vm_start/10-first", "before_vm_start/20-second", "after_vm_start/10-other"], Hooks().All().Select(h => $"{h.Point}/{h.Name}"));
        Assert.Equal(32, Hooks().All()[0].Digest.Length);
    }

    [Fact]
    public async Task A_script_knows_the_vm_and_nothing_of_the_agent()
    {
        Environment.SetEnvironmentVariable("AGENT_SECRET", "x");
        Script(HookPoint.BeforeVmCont, "10", $"env > {_folder}/seen; stat -c %a $_hook_domxml > {_folder}/mode");
        var hooks = Hooks();
        hooks.Knows(_guest.Vm, ImmutableDictionary<string, string>.Empty.Add("rack", "7 \"b\"").Add("vmId", "another"));
        hooks.Knows(Guid.NewGuid(), ImmutableDictionary<string, string>.Empty.Add("other", "x"));
        await hooks.Before(HookPoint.BeforeVmCont, _guest);
        var seen = await File.ReadAllTextAsync($"{_folder}/seen");
        Assert.Contains($"vmId={_guest.Vm}", seen, StringComparison.Ordinal);
        Assert.Contains("rack=7 \"b\"", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("another", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("other=", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("AGENT_SECRET", seen, StringComparison.Ordinal);
        Assert.Equal("600", (await File.ReadAllTextAsync($"{_folder}/mode")).Trim());
        var file = seen.Split('\n').Single(l => l.StartsWith("_hook_domxml=", StringComparison.Ordinal))["_hook_domxml=".Length..];
        Assert.False(File.Exists(file));
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, false)]
    [InlineData(77, false)]
    public async Task One_that_fails_says_why_and_whether_others_are_run(int code, bool others)
    {
        Script(HookPoint.BeforeVmMigrateSource, "10-bad", $"echo no licence; exit {code}");
        Script(HookPoint.BeforeVmMigrateSource, "20-next", $"touch {_folder}/next");
        var e = await Assert.ThrowsAsync<HypervisorException>(() => Hooks().Before(HookPoint.BeforeVmMigrateSource, _guest));
        Assert.Contains($"hook before_vm_migrate_source/10-bad failed with {code}: no licence", e.Message, StringComparison.Ordinal);
        Assert.Equal(others, File.Exists($"{_folder}/next"));
        await Hooks().After(HookPoint.BeforeVmMigrateSource, _guest);
    }

    [Fact]
    public async Task One_that_hangs_is_ended_with_all_that_it_has_started()
    {
        Script(HookPoint.BeforeVmStart, "10-slow", $"sleep 300 & echo $! > {_folder}/child; wait");
        var e = await Assert.ThrowsAsync<HypervisorException>(() => Hooks(TimeSpan.FromSeconds(2)).Before(HookPoint.BeforeVmStart, _guest, "<domain/>"));
        Assert.Contains("was ended after 2 s", e.Message, StringComparison.Ordinal);
        var child = (await File.ReadAllTextAsync($"{_folder}/child")).Trim();
        for (var left = 50; left > 0 && Directory.Exists($"/proc/{child}"); left--) await Task.Delay(100);
        Assert.False(Directory.Exists($"/proc/{child}"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task One_that_anybody_may_write_is_not_run(bool folder)
    {
        var script = Script(HookPoint.BeforeVmStart, "10-open", $"touch {_folder}/ran");
        var open = folder ? Path.GetDirectoryName(script)! : script;
        File.SetUnixFileMode(open, File.GetUnixFileMode(open) | UnixFileMode.OtherWrite);
        var e = await Assert.ThrowsAsync<HypervisorException>(() => Hooks().Before(HookPoint.BeforeVmStart, _guest, "<domain/>"));
        Assert.Contains("chmod go-w", e.Message, StringComparison.Ordinal);
        Assert.False(File.Exists($"{_folder}/ran"));
    }

    [Theory]
    [InlineData("<domain><name>web</name><uuid>u</uuid><memory>2</memory>M</domain>", "")]
    [InlineData("<domain><name>other</name><uuid>u</uuid>M</domain>", "must stay")]
    [InlineData("<domain><name>web</name><uuid>v</uuid>M</domain>", "must stay")]
    [InlineData("<domain><name>web</name><uuid>u</uuid></domain>", "must stay")]
    [InlineData("<domain><name>web", "no XML")]
    [InlineData("", "no XML")]
    public void What_a_hook_leaves_is_still_the_domain_of_that_copy(string xml, string refused)
    {
        var mine = $"<metadata><o:guest xmlns:o='{DomainXml.Metadata}' vm='{_guest.Vm}' lease='5' started='1'/></metadata>";
        var before = $"<domain><name>web</name><uuid>u</uuid>{mine}</domain>";
        xml = xml.Replace("M</", mine + "</", StringComparison.Ordinal);
        if (refused == "") Assert.Equal(xml, DomainXml.Changed(xml, before));
        else Assert.Contains(refused, Assert.Throws<HypervisorException>(() => DomainXml.Changed(xml, before)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_is_not_there_is_no_hook()
    {
        var none = new HookFolder("/nowhere", TimeSpan.FromSeconds(1), NullLogger.Instance);
        Assert.Equal("<domain/>", await none.Before(HookPoint.BeforeVmStart, _guest, "<domain/>"));
        Assert.Empty(none.All());
    }

    private HookFolder Hooks(TimeSpan? limit = null) => new(_folder, limit ?? TimeSpan.FromSeconds(20), NullLogger.Instance);

    private string Script(HookPoint point, string name, string text)
    {
        var path = Path.Combine(_folder, HookFolder.NameOf(point), name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!, (UnixFileMode)0b111_101_101);
        File.WriteAllText(path, $"#!/bin/sh\n{text}\n");
        File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
        return path;
    }
}
