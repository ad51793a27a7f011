namespace Orchestrator.Agent.Hooks;

/// <summary>Moments of a guest's life at which an operator's scripts are run, by vdsm's names.</summary>
public enum HookPoint
{
    BeforeVmStart,
    AfterVmStart,
    BeforeVmPause,
    AfterVmPause,
    BeforeVmCont,
    AfterVmCont,
    BeforeVmHibernate,
    AfterVmHibernate,
    BeforeVmDehibernate,
    AfterVmDehibernate,
    BeforeVmMigrateSource,
    AfterVmMigrateSource,
    BeforeVmMigrateDestination,
    AfterVmMigrateDestination,
    AfterVmDestroy,
}
