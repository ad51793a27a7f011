namespace Orchestrator.Actors.Vm;

/// <summary>Limits of a NIC, seen from the guest; 0: none. Kilobits in a second, kibibytes.</summary>
public sealed record NicQos(int InboundKbit, int InboundPeakKbit, int InboundBurstKib, int OutboundKbit, int OutboundPeakKbit, int OutboundBurstKib);

/// <summary>Limits of a disk in a second; 0: none.</summary>
public sealed record DiskQos(long Bytes, long ReadBytes, long WriteBytes, long Operations, long ReadOperations, long WriteOperations);
