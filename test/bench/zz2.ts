import { Revenue } from "effect-amplitude"
const sale = (index: number) => ({ price: 3.99, quantity: 3, productId: "sku-1", revenueType: "purchase", currency: "EUR", properties: { index, color: "red" } })
let x: any
const s = process.hrtime.bigint(); for (let i = 0; i < 500000; i++) x = Revenue.plainEventProperties(sale(i)); console.log(Number(process.hrtime.bigint() - s) / 500000)
