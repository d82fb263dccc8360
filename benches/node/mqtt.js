// The subject `mqtt.js` of the group `mqtt`: subscribe, parse, keep half, map, publish, by mqtt.js 5 of npm.
//
//     npm install --prefix DIR mqtt@5
//     THINGFLOW_BENCH_NODE_MODULES=DIR/node_modules target/release/thingflow-benches --only mqtt
//
// Its arguments are the broker, the quality of service, and how many messages there are. It prints microseconds of processor
// time a message, and the sum of the results.
const mqtt = require('mqtt')

const [address, qosText, countText] = process.argv.slice(2)
const [qos, count] = [Number(qosText), Number(countText)]
const client = mqtt.connect(`mqtt://${address}`)
let [begin, sum, last, open] = [undefined, 0, -1, 0]

function endIfDone() {
  if (last !== count || open > 0) return
  last = -1 // it is done once
  const used = process.cpuUsage(begin)
  client.end(false, () => console.log(JSON.stringify({ us: (used.user + used.system) / count, result: sum })))
}

client.on('connect', () => client.subscribe('bench/in', { qos }))
client.on('message', (_, payload) => {
  const { n, id, lux } = JSON.parse(payload)
  last = n
  if (n === 1) begin = process.cpuUsage()
  if (lux < 64) {
    const mapped = { n, id, lux: lux * 0.5 + 1 }
    if (n > 0) sum += mapped.lux
    open += 1
    client.publish('bench/out', JSON.stringify(mapped), { qos }, (error) => {
      if (error) throw error
      open -= 1
      endIfDone()
    })
  }
  endIfDone()
})
