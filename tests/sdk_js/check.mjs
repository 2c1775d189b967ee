// What people do with @aws-sdk/client-dynamodb and lib-dynamodb, against the endpoint in ENDPOINT.
import assert from "node:assert";
import {
  CreateTableCommand, DeleteTableCommand, DynamoDBClient, waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import {
  BatchWriteCommand, DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand, UpdateCommand, paginateScan,
} from "@aws-sdk/lib-dynamodb";

const client = new DynamoDBClient({
  endpoint: process.env.ENDPOINT,
  region: "us-east-1",
  credentials: { accessKeyId: "key", secretAccessKey: "secret" },
  maxAttempts: 1,
});
const documents = DynamoDBDocumentClient.from(client);
const TableName = "javascript";

await client.send(new CreateTableCommand({
  TableName,
  KeySchema: [{ AttributeName: "id", KeyType: "HASH" }, { AttributeName: "n", KeyType: "RANGE" }],
  AttributeDefinitions: [
    { AttributeName: "id", AttributeType: "S" }, { AttributeName: "n", AttributeType: "N" },
  ],
  BillingMode: "PAY_PER_REQUEST",
}));
await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1, maxDelay: 2 }, { TableName });

const item = {
  id: "a", n: 1, tags: new Set(["x"]), bytes: new Uint8Array([0, 255]), list: [1, null, { deep: true }],
};
await documents.send(new PutCommand({ TableName, Item: item }));
const got = (await documents.send(new GetCommand({ TableName, Key: { id: "a", n: 1 } }))).Item;
assert.deepEqual(got.list, item.list);
assert(got.tags.has("x"));
assert.deepEqual([...got.bytes], [0, 255]);

const updated = await documents.send(new UpdateCommand({
  TableName,
  Key: { id: "a", n: 1 },
  UpdateExpression: "ADD visits :one",
  ExpressionAttributeValues: { ":one": 1 },
  ReturnValues: "UPDATED_NEW",
}));
assert.deepEqual(updated.Attributes, { visits: 1 });

const puts = Array.from({ length: 25 }, (_, n) => ({ PutRequest: { Item: { id: "b", n } } }));
await documents.send(new BatchWriteCommand({ RequestItems: { [TableName]: puts } }));
const page = await documents.send(new QueryCommand({
  TableName,
  KeyConditionExpression: "id = :id AND n >= :n",
  ExpressionAttributeValues: { ":id": "b", ":n": 20 },
}));
assert.equal(page.Count, 5);
let seen = 0;
for await (const scanned of paginateScan({ client: documents, pageSize: 7 }, { TableName })) {
  seen += scanned.Items.length;
}
assert.equal(seen, 26);

const condition = { TableName, Item: { id: "a", n: 1 }, ConditionExpression: "attribute_not_exists(id)" };
await assert.rejects(documents.send(new PutCommand(condition)), {
  name: "ConditionalCheckFailedException",
  message: "The conditional request failed",
});
await assert.rejects(documents.send(new GetCommand({ TableName, Key: { id: "a" } })), {
  name: "ValidationException",
});
await client.send(new DeleteTableCommand({ TableName }));
console.log("the JavaScript SDK: all well");
