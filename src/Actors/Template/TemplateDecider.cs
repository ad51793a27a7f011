using System.Collections.Immutable;
using Orchestrator.Actors.Vm;
using static Orchestrator.Actors.Template.TemplateCommand;
using static Orchestrator.Actors.Template.TemplateEvent;
using static Orchestrator.Actors.Template.TemplateState;
using Decision = Orchestrator.Actors.Decision<
    Orchestrator.Actors.Template.TemplateEvent, Orchestrator.Actors.Template.TemplateEffect>;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Template;

/// <summary>The rules of a template. Pure.</summary>
public static class TemplateDecider
{
    public static TemplateState Initial(TemplateId id) => new Absent(new TemplateCore(id));

    public static Decision Decide(TemplateState template, TemplateCommand command) => (template, command) switch
    {
        (_, _) when AskedBefore(template, command) => Done,

        (Absent, Create c)           => c.Config.Name == "" ? NoName : Accept(new Created(c.Origin, c.Config, c.Copies) { Version = c.Version, Sealer = c.Sealer }),
        (_, Create)                  => No(Fault.AlreadyExists),
        (Absent, _)                  => No(Fault.NotFound),
        (Gone, Remove)               => Done,
        (Gone { Core: { Version: not null, HasLeft: false } }, ReportBaseLeft c) => Accept(new BaseLeft(c.At)),
        (_, ReportBaseLeft)          => Done,
        (Gone, _)                    => No(Fault.Removed),

        (_, AddVersion c)            => TemplateVersions.Add(template, c),
        (_, DropVersion c)           => TemplateVersions.Drop(template, c),

        (Copying s, ReportDisk c)    => !s.Left.Contains(c.Disk) ? No(Fault.StaleReport)
            : c.Ok ? Accept(new DiskCopied(c.Disk, c.At))
            : Accept(new CopyFailed(c.Disk, c.Message, c.At)),
        (_, ReportSealed c)          => TemplateSeal.Decide(template, c),
        (_, ReportDisk)              => No(Fault.StaleReport),

        (Copying or Sealing, Update or Remove) => No(Fault.TemplateLocked),
        (_, Update or Remove) when template.Core.Id == TemplateId.Blank => No(Fault.TemplateIsBlank),
        (_, Update c)                => c.Patch.Name is "" ? NoName
            : Accept(new Redefined(c.Origin, c.Patch.Apply(template.Config))),
        (_, Remove) when !template.Core.Versions.IsEmpty => No(Fault.TemplateHasVersions),
        (_, Remove c)                => Accept(new Removed(c.Origin)),
        _                            => No(Fault.TemplateLocked),
    };

    /// <summary>Replays one fact. Total.</summary>
    public static TemplateState Evolve(TemplateState template, TemplateEvent fact)
    {
        var core = template.Core;
        return fact switch
        {
            Created e    => Wait(
                core with
                {
                    Config = e.Config, Version = e.Version, Sealer = e.Copies.IsEmpty ? null : e.Sealer, CreatedAt = e.Origin.At, Recent = core.Recent.Add(e.Origin.Job),
                    Job = new Job(e.Origin.Job, $"Creating template {e.Config.Name}", e.Origin),
                },
                e.Copies),
            Redefined e  => template with { Core = core with { Config = e.Config, Recent = core.Recent.Add(e.Origin.Job) } },
            DiskCopied e => template is Copying c ? Wait(core, c.Left.Remove(e.Disk)) : template,
            CopyFailed e => new Illegal(core with { Job = null }, e.Reason),
            Removed e    => new Gone(core with { Recent = core.Recent.Add(e.Origin.Job), Job = null }),
            DisksSealed or SealRepeated or SealFailed => TemplateSeal.Evolve(template, fact),
            _            => TemplateVersions.Evolve(template, fact),
        };
    }

    /// <summary>What must be asked of the world in this state; the same after a crash.</summary>
    public static ImmutableArray<TemplateEffect> Outstanding(TemplateState template) => template switch
    {
        Sealing s => [new TemplateEffect.SealDisks(s.Host, s.Work())],
        Copying s => [.. s.Left.Select(disk => new TemplateEffect.AwaitDisk(disk))],
        Gone { Core: { Version: { } version, HasLeft: false } } => [new TemplateEffect.LeaveBase(version.Base)],
        _         => [],
    };

    private static TemplateState Wait(TemplateCore core, ImmutableArray<DiskId> left) =>
        !left.IsEmpty ? new Copying(core, left)
        : core.Sealer is { } host ? new Sealing(core, host)
        : new Ok(core with { Job = null });

    internal static Decision Accept(params ImmutableArray<TemplateEvent> facts) => new Decision.Accept(facts);

    internal static Decision No(Fault fault) => new Decision.Refuse(fault);

    private static Decision NoName { get; } = new Decision.Refuse(Fault.MissingValue, "name");

    internal static Decision Done { get; } = new Decision.AlreadyDone();

    private static bool AskedBefore(TemplateState template, TemplateCommand command) =>
        template is not Absent && command switch
        {
            Create c => template.Core.Recent.Contains(c.Origin.Job),
            Update c => template.Core.Recent.Contains(c.Origin.Job),
            Remove c => template.Core.Recent.Contains(c.Origin.Job),
            AddVersion c => template.Core.Recent.Contains(c.Origin.Job),
            _        => false,
        };

    extension(TemplateState template)
    {
        internal VmConfig Config => template.Core.Config ?? _nothing;
    }

    private static readonly VmConfig _nothing = new() { Name = "", Cluster = default };
}
