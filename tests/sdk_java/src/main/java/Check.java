// What people do with the AWS SDK for Java, version 2, against the endpoint in ENDPOINT.
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.core.retry.RetryPolicy;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.*;

public class Check {
  static final String TABLE = "java";

  static AttributeValue s(String text) {
    return AttributeValue.fromS(text);
  }

  static AttributeValue n(int number) {
    return AttributeValue.fromN(Integer.toString(number));
  }

  static void require(boolean holds, Object found) {
    if (!holds) throw new AssertionError(String.valueOf(found));
  }

  public static void main(String[] arguments) {
    try (DynamoDbClient client = DynamoDbClient.builder()
        .endpointOverride(URI.create(System.getenv("ENDPOINT")))
        .region(Region.US_EAST_1)
        .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("key", "secret")))
        .overrideConfiguration(c -> c.retryPolicy(RetryPolicy.none()))
        .build()) {
      tables(client);
      items(client);
      pages(client);
      refusals(client);
      transactions(client);
      client.deleteTable(r -> r.tableName(TABLE));
      client.waiter().waitUntilTableNotExists(r -> r.tableName(TABLE));
    }
    System.out.println("the Java SDK: all well");
  }

  static void tables(DynamoDbClient client) {
    client.createTable(r -> r.tableName(TABLE)
        .keySchema(
            KeySchemaElement.builder().attributeName("id").keyType(KeyType.HASH).build(),
            KeySchemaElement.builder().attributeName("n").keyType(KeyType.RANGE).build())
        .attributeDefinitions(
            AttributeDefinition.builder().attributeName("id").attributeType(ScalarAttributeType.S).build(),
            AttributeDefinition.builder().attributeName("n").attributeType(ScalarAttributeType.N).build())
        .billingMode(BillingMode.PAY_PER_REQUEST));
    client.waiter().waitUntilTableExists(r -> r.tableName(TABLE));
    require(client.listTables().tableNames().contains(TABLE), client.listTables());
  }

  static void items(DynamoDbClient client) {
    Map<String, AttributeValue> key = Map.of("id", s("a"), "n", n(1));
    Map<String, AttributeValue> item = Map.of(
        "id", s("a"), "n", n(1),
        "bytes", AttributeValue.fromB(SdkBytes.fromByteArray(new byte[] {0, -1})),
        "tags", AttributeValue.fromSs(List.of("x", "y")),
        "deep", AttributeValue.fromL(List.of(AttributeValue.fromM(Map.of("yes", AttributeValue.fromBool(true))))));
    client.putItem(r -> r.tableName(TABLE).item(item));
    Map<String, AttributeValue> got = client.getItem(r -> r.tableName(TABLE).key(key)).item();
    require(got.equals(item), got);
    UpdateItemResponse changed = client.updateItem(r -> r.tableName(TABLE).key(key)
        .updateExpression("ADD visits :one").expressionAttributeValues(Map.of(":one", n(1)))
        .returnValues(ReturnValue.UPDATED_NEW));
    require(changed.attributes().equals(Map.of("visits", n(1))), changed);
  }

  static void pages(DynamoDbClient client) {
    List<WriteRequest> puts = new ArrayList<>();
    for (int number = 0; number < 25; number++) {
      Map<String, AttributeValue> item = Map.of("id", s("b"), "n", n(number));
      puts.add(WriteRequest.builder().putRequest(p -> p.item(item)).build());
    }
    require(client.batchWriteItem(r -> r.requestItems(Map.of(TABLE, puts))).unprocessedItems().isEmpty(), "left");
    QueryResponse found = client.query(r -> r.tableName(TABLE)
        .keyConditionExpression("id = :id AND n >= :n")
        .expressionAttributeValues(Map.of(":id", s("b"), ":n", n(20))));
    require(found.count() == 5, found);
    long seen = client.scanPaginator(r -> r.tableName(TABLE).limit(7)).items().stream().count();
    require(seen == 26, seen);
  }

  static void refusals(DynamoDbClient client) {
    try {
      client.putItem(r -> r.tableName(TABLE).item(Map.of("id", s("a"), "n", n(1)))
          .conditionExpression("attribute_not_exists(id)"));
      throw new AssertionError("a condition that does not hold was let through");
    } catch (ConditionalCheckFailedException refused) {
      require("The conditional request failed".equals(refused.awsErrorDetails().errorMessage()), refused);
    }
    try {
      client.describeTable(r -> r.tableName("nowhere"));
      throw new AssertionError("a table that is not there was described");
    } catch (ResourceNotFoundException refused) {
      require(refused.statusCode() == 400, refused);
    }
  }

  static void transactions(DynamoDbClient client) {
    TransactWriteItem put = TransactWriteItem.builder()
        .put(p -> p.tableName(TABLE).item(Map.of("id", s("c"), "n", n(1)))).build();
    TransactWriteItem check = TransactWriteItem.builder()
        .conditionCheck(c -> c.tableName(TABLE).key(Map.of("id", s("none"), "n", n(1)))
            .conditionExpression("attribute_exists(id)"))
        .build();
    client.transactWriteItems(r -> r.transactItems(put));
    try {
      client.transactWriteItems(r -> r.transactItems(put, check));
      throw new AssertionError("a transaction went through against its check");
    } catch (TransactionCanceledException refused) {
      require("ConditionalCheckFailed".equals(refused.cancellationReasons().get(1).code()), refused);
    }
  }
}
