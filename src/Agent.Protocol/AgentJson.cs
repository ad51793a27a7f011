using System.Text.Json;
using System.Text.Json.Serialization;

namespace Orchestrator.Agent.Protocol;

/// <summary>
/// The contract's JSON. Unknown fields are ignored (a newer peer may send them); a missing or null required field and
/// an unknown word are errors that name it.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowOutOfOrderMetadataProperties = true)]
[JsonSerializable(typeof(AgentDescription))]
[JsonSerializable(typeof(HostStatistics))]
[JsonSerializable(typeof(HostObservations))]
[JsonSerializable(typeof(GuestObservation))]
[JsonSerializable(typeof(HostEvent))]
[JsonSerializable(typeof(HostEvent.Report))]
[JsonSerializable(typeof(GuestReport))]
[JsonSerializable(typeof(LaunchOrder))]
[JsonSerializable(typeof(RestoreOrder))]
[JsonSerializable(typeof(SaveOrder))]
[JsonSerializable(typeof(ReshapeOrder))]
[JsonSerializable(typeof(GuestOrder))]
[JsonSerializable(typeof(ConsoleTicketOrder))]
[JsonSerializable(typeof(FileSystemsOrder))]
[JsonSerializable(typeof(StopOrder))]
[JsonSerializable(typeof(IncomingOrder))]
[JsonSerializable(typeof(MigrateOrder))]
[JsonSerializable(typeof(OrderReceipt))]
[JsonSerializable(typeof(JobOrder))]
[JsonSerializable(typeof(JobReport))]
[JsonSerializable(typeof(TicketOrder))]
[JsonSerializable(typeof(EndTicketOrder))]
[JsonSerializable(typeof(TicketReport))]
[JsonSerializable(typeof(RenewalOrder))]
[JsonSerializable(typeof(LeaseTerms))]
[JsonSerializable(typeof(StorageLeaseReading))]
[JsonSerializable(typeof(StorageOrder))]
[JsonSerializable(typeof(StorageReport))]
[JsonSerializable(typeof(LookOrder))]
[JsonSerializable(typeof(LookReport))]
[JsonSerializable(typeof(FenceOrder))]
[JsonSerializable(typeof(FenceResult))]
[JsonSerializable(typeof(CertificateReport))]
[JsonSerializable(typeof(NewKeyOrder))]
[JsonSerializable(typeof(NewKeyAnswer))]
[JsonSerializable(typeof(CertificateOrder))]
[JsonSerializable(typeof(JoinRequest))]
[JsonSerializable(typeof(JoinAnswer))]
[JsonSerializable(typeof(JoinRefusal))]
[JsonSerializable(typeof(AgentRefusal))]
[JsonSerializable(typeof(VmDefinition))]
public sealed partial class AgentJson : JsonSerializerContext;
